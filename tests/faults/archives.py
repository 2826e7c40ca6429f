"""Hostile data sets: archives, compressed files, arrays and images made to do harm."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.workload.datasets.cifar import read_members
from tests.faults.campaign import Kind
from tests.faults.scene import Scene, WrongError, content_hash

WANTED = "cifar-10-batches-bin/data_batch_1.bin"
SIZE = 4096
UNPACKED = 1 << 20


def _member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def _hostile_members(draw: random.Random, place: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Members that would do harm if anything unpacked them."""
    outside = place / "outside"
    every = (
        _member("../../escaped", b"x"),
        _member(str(outside), b"x"),
        _member(f"a/../../{WANTED}", b"x"),
        _member("link", type=tarfile.SYMTYPE, linkname=str(place)),
        _member("link/through", b"x"),
        _member("hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        _member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        _member("disk", type=tarfile.BLKTYPE, devmajor=8, devminor=0),
        _member("queue", type=tarfile.FIFOTYPE),
        _member("nul\x00name", b"x"),
        _member("x" * 5000, b"x"),
        _member("suid", b"x", mode=0o6777, uid=0),
    )
    return draw.sample(every, draw.randint(1, len(every)))


def _tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def hostile_tar(scene: Scene) -> None:
    """A tar archive with traversal, links, devices, FIFOs: what is wanted is read, else nothing."""
    archive = scene.folder / "cifar.tar.gz"
    wanted = scene.random.randbytes(SIZE)
    members = _hostile_members(scene.random, scene.folder)
    members.insert(scene.random.randint(0, len(members)), _member(WANTED, wanted))
    archive.write_bytes(_tar(members))
    before = content_hash(scene.folder)
    found = read_members(archive, {WANTED: SIZE}, UNPACKED)
    scene.expect(found == {WANTED: wanted}, "it read something else")
    scene.expect(content_hash(scene.folder) == before, "something was written")


def _refused(scene: Scene, read: Callable[[], object]) -> None:
    before = content_hash(scene.folder)
    try:
        read()
    except DataError as error:
        scene.expect("\n" not in str(error), f"not one line: {error}")
    else:
        raise WrongError("it was taken")
    scene.expect(content_hash(scene.folder) == before, "something was written")


def hostile_tar_member(scene: Scene) -> None:
    """The member that is wanted is a link, a device, twice there, too large, a bomb: refused."""
    archive = scene.folder / "cifar.tar.gz"
    good = scene.random.randbytes(SIZE)
    wrong = scene.random.choice(
        (
            [_member(WANTED, type=tarfile.SYMTYPE, linkname="/etc/passwd")],
            [_member(WANTED, type=tarfile.LNKTYPE, linkname="/etc/passwd")],
            [_member(WANTED, type=tarfile.CHRTYPE, devmajor=1, devminor=5)],
            [_member(WANTED, type=tarfile.FIFOTYPE)],
            [_member(WANTED, type=tarfile.DIRTYPE)],
            [_member(WANTED, good), _member(WANTED, good)],
            [_member(WANTED, good[1:])],
            [_member("bomb", bytes(64 << 20)), _member(WANTED, good)],
            [_member(f"./{WANTED}", good)],
        )
    )
    content = _tar(wrong)
    archive.write_bytes(content)
    _refused(scene, lambda: read_members(archive, {WANTED: SIZE}, UNPACKED))


def torn_data_file(scene: Scene) -> None:
    """Files of MNIST and CIFAR-10 that are torn, noise or bombs: one line, little memory."""
    draw = scene.random
    contents = (
        b"",
        draw.randbytes(5_000),
        gzip.compress(draw.randbytes(5_000)),
        gzip.compress(draw.randbytes(5_000))[:-9],
        gzip.compress(bytes(200 << 20), 1),
        gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**31, 2**16, 2**16) + bytes(100)),
        gzip.compress(struct.pack(">BBBB", 0, 0, 8, 255) + b"\xff" * 1020),
        _tar(_hostile_members(draw, scene.folder)),
    )
    names = (
        *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    )
    raw = scene.data / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in names:
        (raw / f"{name}.gz").write_bytes(draw.choice(contents))
    (scene.data / "cifar-10-binary.tar.gz").write_bytes(draw.choice(contents))
    before = content_hash(scene.data)
    name = draw.choice(("mnist", "cifar10"))
    done = scene.call("data", "verify", name)
    scene.expect_told(done, (1, 2))
    scene.expect(content_hash(scene.data) == before, "a file has changed")
    scene.expect_settled()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _announcing(header: bytes, data: bytes = b"", version: int = 2) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<I", len(header)) + header + data


class _Pickled:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self._path,))


def _good(draw: random.Random) -> dict[str, bytes]:
    numbers = np.random.default_rng(draw.randrange(1000))
    images = numbers.integers(0, 256, (30, 8, 8), dtype=np.uint8)
    labels = np.arange(30) % 10
    return {"x_train": _npy(images), "y_train": _npy(labels)}


def _huge(shape: str, descr: str = "|u1", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}"
    return _announcing(header.encode(), data)


def _hostile_array(draw: random.Random, place: Path) -> bytes:
    every = (
        lambda: _npy(np.array([_Pickled(place / "unpickled")] * 30, dtype=object)),
        lambda: _huge("(10**9, 28, 28)".replace("10**9", "1000000000")),
        lambda: _huge("(9223372036854775807, 9223372036854775807)"),
        lambda: _huge("(-1, 28, 28)"),
        lambda: _huge("(30, 8, 8)", "|O"),
        lambda: _huge("(0, 0, 0)"),
        lambda: _huge("(30, 8, 8)", "<U1000000"),
        lambda: _huge("(" * 3000 + ")" * 3000),
        lambda: _huge("[" * 90 + "]" * 90),
        lambda: _huge("__import__('os').mkdir('unpickled')"),
        lambda: _announcing(b"{" + b"'a':1," * 10**6 + b"}"),
        lambda: _announcing(b"\xff\xfe\x00" * 10),
        lambda: _announcing(b""),
        lambda: b"\x93NUMPY\x01\x00" + struct.pack("<H", 65535),
        lambda: b"\x93NUMPY\xff\xff",
        lambda: b"",
        lambda: draw.randbytes(1000),
        lambda: _npy(np.full((30, 8, 8), np.nan)),
        lambda: _npy(np.full((30, 8, 8), np.inf, np.float16)),
        lambda: _npy(np.array(["<script>"] * 30)),
        lambda: _npy(np.zeros(30, [("a", "u1"), ("b", "f8")])),
        lambda: _npy(np.array(3)),
        lambda: _npy(np.zeros((30, 8, 8), "M8[s]")),
    )
    return draw.choice(every)()


def hostile_npz(scene: Scene) -> None:
    """An npz with pickles, code or huge numbers in headers, nested, torn: one line, no memory."""
    members = _good(scene.random)
    members[scene.random.choice(tuple(members))] = _hostile_array(scene.random, scene.folder)
    path = scene.folder / "own.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    _npz_refused(scene, path)


def _npz_refused(scene: Scene, path: Path) -> None:
    before = content_hash(scene.folder)
    commands = (
        ("run", "--frameworks", "reference", "--out", str(scene.out), "--dataset", f"npz:{path}"),
        ("data", "show", f"npz:{path}"),
    )
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (2,))
    scene.expect(not (scene.folder / "unpickled").exists(), "a pickle was loaded")
    scene.expect(not scene.out.exists(), "a run was begun")
    now = {name: value for name, value in content_hash(scene.folder).items() if name in before}
    scene.expect(now == before, "a file has changed")
    scene.expect_settled()


def hostile_zip(scene: Scene) -> None:
    """The zip around it is encrypted, torn, its directory lies, names traverse: one line."""
    draw = scene.random
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as z:
        for name, content in _good(draw).items():
            z.writestr(f"{name}.npy", content)
            z.writestr(f"../../{name}.npy", content)
    whole = buffer.getvalue()
    directory = whole.index(b"PK\x01\x02")
    changed = bytearray(whole)
    match draw.choice(("encrypted", "cut", "directory", "method", "sizes", "offsets", "noise")):
        case "encrypted":
            changed[directory + 8] |= 1
            changed[6] |= 1
        case "cut":
            del changed[draw.randrange(directory) :]
        case "directory":
            changed[directory + 28 : directory + 34] = b"\xff" * 6
        case "method":
            changed[directory + 10] = changed[8] = draw.choice((1, 9, 12, 14, 93, 99))
        case "sizes":
            changed[directory + 20 : directory + 28] = struct.pack("<II", 2**32 - 2, 2**32 - 2)
        case "offsets":
            changed[directory + 42 : directory + 46] = struct.pack("<I", draw.randrange(2**32))
        case _:
            changed = bytearray(whole[:directory]) + draw.randbytes(300) + whole[-22:]
    path = scene.folder / "own.npz"
    path.write_bytes(changed)
    _npz_refused(scene, path)


def _bytes_of_png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def hostile_image(scene: Scene) -> None:
    """An image to be classified is a bomb, torn, no image, a FIFO: one line, little memory."""
    draw = scene.random
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    checkpoint = sorted(scene.out.glob("*/checkpoints/*reference*"))[0]
    path = scene.folder / f"image.{draw.choice(('png', 'gif', 'tiff', 'jpg', 'webp'))}"
    contents = (
        lambda: _bytes_of_png(60_000, 60_000, zlib.compress(bytes(10 << 20), 9)),
        lambda: _bytes_of_png(2**31 - 1, 2**31 - 1, b""),
        lambda: _bytes_of_png(0, 0, zlib.compress(b"")),
        lambda: _bytes_of_png(8, 8, zlib.compress(bytes(72)))[: -draw.randint(13, 40)],
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/x) (w) file\n",
        lambda: b"GIF89a" + b"\xff" * 500,
        lambda: b"II*\x00" + b"\xff" * 500,
        lambda: b"",
        lambda: draw.randbytes(2_000),
    )
    if draw.random() < 0.1:
        os.mkfifo(path)
    else:
        path.write_bytes(draw.choice(contents)())
    done = scene.call("predict", str(path), "--checkpoint", str(checkpoint))
    scene.expect_told(done, (2,), path.name)
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (hostile_tar, hostile_tar_member, torn_data_file, hostile_npz, hostile_zip, hostile_image),
    )
)
