"""What the tests of data sets share: tiny files, tiny data sets and a server on loopback."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import savemat

from bench.workload.datasets.cifar import CifarDataset
from bench.workload.datasets.idx import IdxDataset
from bench.workload.datasets.published.cifar import CIFAR10
from bench.workload.datasets.published.emnist import EMNIST, EmnistDataset
from bench.workload.datasets.published.svhn import SVHN, SvhnDataset
from bench.workload.datasets.source import StoredFile

REPOSITORY = Path(__file__).parents[2]
TRAIN, TEST = 12, 5


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's caches, or reaches loopback through a proxy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("LENET_BENCH_DATA", "LENET_BENCH_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("LENET_BENCH_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "MNIST" / "raw").is_dir():
        pytest.skip(f"no real MNIST in {folder}: set LENET_BENCH_TEST_DATA to a data root")
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    kind = {"uint8": 0x08, "int32": 0x0C}[array.dtype.name]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class TinyIdx:
    """An IDX data set of a few random images, and the files that hold it."""

    dataset: IdxDataset
    contents: dict[str, bytes]  # by the path of the archive, uncompressed
    images: np.ndarray
    labels: np.ndarray

    def fill(self, root: Path, packed: bool = True) -> None:
        for path, content in self.contents.items():
            target = root / path if packed else (root / path).with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.compress(content, mtime=0) if packed else content)


def make_idx(
    mirrors: tuple[str, ...] = (), extended: bool = False, archive: bool = False
) -> TinyIdx:
    """Hashes are those of the content, or with `archive` those of `gzip.compress(…, mtime=0)`."""
    random = np.random.default_rng(0)
    contents = {}
    pairs, arrays = [], []
    for part, n in (("train", TRAIN), ("t10k", TEST)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        stored = labels
        if extended:
            stored = random.integers(0, 9999, (n, 8), dtype=np.int32)
            stored[:, 0] = labels
        pair = []
        for name, array in (("images", images), ("labels", stored)):
            path = f"TINY/raw/{part}-{name}.gz"
            content = contents[path] = idx_bytes(array)
            pair.append(
                StoredFile(
                    path,
                    tuple(f"{mirror}{part}-{name}.gz" for mirror in mirrors),
                    len(content),
                    content_digest=None if archive else sha256(content),
                    archive_digest=sha256(gzip.compress(content, mtime=0)) if archive else None,
                )
            )
        pairs.append(tuple(pair))
        arrays.append((images, labels))
    dataset = IdxDataset(
        name="tiny",
        title="Tiny",
        classes=tuple("0123456789"),
        credit="nobody",
        train_size=TRAIN,
        test_size=TEST,
        train_files=pairs[0],
        test_files=pairs[1],
    )
    return TinyIdx(dataset, contents, arrays[0][0], arrays[0][1])


def tar_gz(members: list[tuple[str | tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class TinyCifar:
    dataset: CifarDataset
    batches: dict[str, bytes]
    archive: bytes


def make_cifar(
    mirrors: tuple[str, ...] = (), edit: Callable[[dict[str, bytes]], None] | None = None
) -> TinyCifar:
    """Twenty images a batch, two of each class; `edit` may change them before they are hashed."""
    random = np.random.default_rng(1)
    batches = {}
    for batch in CIFAR10.batches:
        rows = random.integers(0, 256, (20, 3073), dtype=np.uint8)
        rows[:, 0] = random.permutation(np.repeat(np.arange(10), 2))
        batches[batch.path] = rows.tobytes()
    if edit:
        edit(batches)
    archive = tar_gz([("cifar-10-batches-bin/readme.html", b"<p>"), *batches.items()])
    dataset = CifarDataset(
        name="tinycifar",
        title="Tiny",
        classes=CIFAR10.classes,
        credit="nobody",
        archive=StoredFile(
            "tiny.tar.gz",
            tuple(f"{mirror}tiny.tar.gz" for mirror in mirrors),
            6 * 20 * 3073 + (1 << 20),
            archive_digest=sha256(archive),
        ),
        batches=tuple(
            StoredFile(path, (), 20 * 3073, content_digest=sha256(data))
            for path, data in batches.items()
        ),
    )
    return TinyCifar(dataset, batches, archive)


@dataclass
class TinyEmnist:
    dataset: EmnistDataset
    archive: bytes
    images: np.ndarray  # upright
    labels: np.ndarray


def make_emnist(
    mirrors: tuple[str, ...] = (), edit: Callable[[dict[str, bytes]], None] | None = None
) -> TinyEmnist:
    """A few letters; `edit` may change the members before they are zipped."""
    random = np.random.default_rng(2)
    members, arrays = {}, []
    for part, n in (("train", TRAIN), ("test", TEST)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = random.integers(1, 27, n, dtype=np.uint8)
        arrays.append((images, labels))
        stored = {"images-idx3": images.transpose(0, 2, 1), "labels-idx1": labels}
        for what, array in stored.items():
            name = f"gzip/emnist-letters-{part}-{what}-ubyte.gz"
            members[name] = gzip.compress(idx_bytes(array), mtime=0)
    if edit:
        edit(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("gzip/emnist-letters-mapping.txt", "1 65 97")
        for name, content in members.items():
            archive.writestr(name, content)
    content = buffer.getvalue()
    published = next(one for one in EMNIST if one.split == "letters")
    file = dataclasses.replace(
        published.archive,
        mirrors=tuple(f"{mirror}gzip.zip" for mirror in mirrors),
        content_bytes=len(content),
        content_digest=sha256(content),
    )
    dataset = dataclasses.replace(published, train_size=TRAIN, test_size=TEST, archive=file)
    return TinyEmnist(dataset, content, arrays[0][0], arrays[0][1])


@dataclass
class TinySvhn:
    dataset: SvhnDataset
    contents: dict[str, bytes]  # by the path below the root
    images: np.ndarray
    labels: np.ndarray


def make_svhn(
    mirrors: tuple[str, ...] = (), edit: Callable[[dict[str, np.ndarray]], None] | None = None
) -> TinySvhn:
    """MATLAB files as the published ones are; `edit` may change the arrays before."""
    random = np.random.default_rng(3)
    files, contents, arrays = [], {}, []
    for part, n, published in (("train", TRAIN, SVHN.train_file), ("test", TEST, SVHN.test_file)):
        images = random.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        labels = np.arange(n) % 10 + 1
        stored = {"X": images.transpose(1, 2, 3, 0), "y": labels[:, np.newaxis].astype(np.uint8)}
        if edit:
            edit(stored)
        buffer = io.BytesIO()
        savemat(buffer, stored, do_compression=True)
        content = contents[published.path] = buffer.getvalue()
        files.append(
            dataclasses.replace(
                published,
                mirrors=tuple(f"{mirror}{part}_32x32.mat" for mirror in mirrors),
                content_bytes=len(content),
                content_digest=sha256(content),
            )
        )
        arrays.append((images, labels % 10))
    dataset = dataclasses.replace(
        SVHN, train_size=TRAIN, test_size=TEST, train_file=files[0], test_file=files[1]
    )
    return TinySvhn(dataset, contents, *arrays[0])


@dataclass
class Reply:
    """An answer; with `sent`, the connection is cut after so many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    stall: threading.Event | None = None


class Server(ThreadingHTTPServer):
    """Serves `replies` by path, one after the other where there is a list; anything else is 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        reply = self.server.replies.get(self.path, Reply(status=404))
        if isinstance(reply, list):
            reply = reply.pop(0)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[: reply.sent])
        if reply.stall:
            self.wfile.flush()
            reply.stall.wait(20)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def make() -> SimpleNamespace:
    """The makers above: test modules do not import from each other."""
    return SimpleNamespace(
        idx=make_idx,
        cifar=make_cifar,
        emnist=make_emnist,
        svhn=make_svhn,
        tar_gz=tar_gz,
        idx_bytes=idx_bytes,
        sha256=sha256,
        reply=Reply,
        repository=REPOSITORY,
    )
