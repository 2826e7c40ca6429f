"""Every reader of files from elsewhere: what is valid for it, and what may come of what is not.

`read` returns where the content was taken and found to be of one piece, and raises one of
`bench.errors` where it was refused. Whatever else it raises is a fault of the reader.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import scipy.stats  # noqa: F401 - with what draws: what a reader loads is not what it takes
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from scipy.io import savemat

import report.figures.step_profile  # noqa: F401
from bench.config import recipe
from bench.errors import BenchError
from bench.execution import certify
from bench.gate.result import Result
from bench.results import checkpoint, step_profile, store
from bench.results.step_profile import Profiles
from bench.workload.datasets import cifar, idx, integrity
from bench.workload.datasets.own import image_files
from bench.workload.datasets.own.folder import FolderDataset
from bench.workload.datasets.own.npz.dataset import NpzDataset
from bench.workload.datasets.published.cifar import CIFAR10, CIFAR100
from bench.workload.datasets.published.emnist import EMNIST
from bench.workload.datasets.published.svhn import SvhnDataset
from bench.workload.datasets.source import Decoded, StoredFile
from report.build import build
from report.report_data import ReportData
from tests.fuzzing.damage import as_json, changed, damaged
from tests.gate.test_summary import made as gate_result
from tests.results.test_checkpoint import header as checkpoint_header
from tests.results.test_checkpoint import trees as checkpoint_trees
from tests.results.test_step_profile import clean, profile

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 256 << 20
CPU_S = 5.0


@dataclass(frozen=True, slots=True)
class Reader:
    """What is read by `read`, in a folder of its own; inputs are bytes, mostly damaged."""

    inputs: st.SearchStrategy[bytes]
    read: Callable[[bytes, Path], object]
    memory_bytes: int = MEMORY_BYTES


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _idx(array: np.ndarray) -> bytes:
    kind = {"uint8": 8, "int32": 12}[array.dtype.name]
    header = np.array(array.shape, ">u4").tobytes()
    return (
        bytes((0, 0, kind, array.ndim))
        + header
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


IDX = [
    _idx(_random().integers(0, 256, (5, 28, 28), dtype=np.uint8)),
    _idx(np.arange(12, dtype=np.uint8)),
    _idx(np.arange(40, dtype=np.int32).reshape(5, 8)),
]


def _read_idx(content: bytes, _: Path) -> None:
    array = idx.parse_idx(content, "the file")
    assert array.nbytes + 4 + 4 * array.ndim == len(content)


def _read_gzip(content: bytes, folder: Path) -> None:
    path = folder / "file.gz"
    path.write_bytes(content)
    file = StoredFile("TINY/raw/file.gz", (), len(IDX[0]), f"sha256:{'0' * 64}")
    integrity.check(path, file)
    assert len(integrity.content(path, file)) == len(IDX[0])


def _batches(labels: int) -> bytes:
    rows = _random(1).integers(0, 10, (20, labels + cifar.PIXEL_BYTES), dtype=np.uint8)
    return rows.tobytes()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in (("a/readme.html", b"<p>"), ("a/batch.bin", _batches(1))):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _read_cifar(content: bytes, folder: Path) -> None:
    """As a batch of either kind, and as a tar archive in gzip's wrapping."""
    taken = 0
    for of in (CIFAR10, CIFAR100):
        with contextlib.suppress(BenchError):
            layout = len(of.classes), of.labels_a_row, of.label
            images, labels = cifar.parse_batch(content, "the file", *layout)
            assert images.shape == (len(labels), 32, 32, 3)
            assert 0 <= labels.min() <= labels.max() < len(of.classes)
            taken += 1
    path = folder / "archive.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    batch = len(_batches(1))
    found = cifar.read_members(path, {"a/batch.bin": batch}, 4 * batch)
    assert {name: len(one) for name, one in found.items()} == {"a/batch.bin": batch}


EMNIST_LETTERS = dataclasses.replace(
    next(one for one in EMNIST if one.split == "letters"), train_size=5, test_size=5
)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _letters() -> dict[str, bytes]:
    labels = _idx(np.arange(1, 6, dtype=np.uint8))
    return {
        f"gzip/emnist-letters-{part}-{what}.gz": gzip.compress(content)
        for part in ("train", "test")
        for what, content in (("images-idx3-ubyte", IDX[0]), ("labels-idx1-ubyte", labels))
    }


@st.composite
def _in_members(draw: Any, members: dict[str, bytes], packed: bool = False) -> bytes:
    """A sound zip archive, one member of which is damaged; within its gzip, if it is `packed`."""
    name = draw(st.sampled_from(sorted(members)))
    if packed and draw(st.booleans()):
        own = gzip.compress(draw(damaged([gzip.decompress(members[name])])), 1)
    else:
        own = draw(damaged([members[name]]))
    return _zip({**members, name: own})


def _read_emnist(content: bytes, folder: Path) -> None:
    path = folder / EMNIST_LETTERS.archive.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    archive = dataclasses.replace(
        EMNIST_LETTERS.archive, content_bytes=len(content), content_digest=None
    )
    decoded = dataclasses.replace(EMNIST_LETTERS, archive=archive).decode(folder)
    _assert_of_one_piece(decoded)


def _assert_of_one_piece(decoded: Decoded) -> None:
    for images, labels in (
        (decoded.train_images, decoded.train_labels),
        (decoded.test_images, decoded.test_labels),
        (decoded.validation_images, decoded.validation_labels),
    ):
        if images is not None:
            assert labels is not None
            assert images.ndim == 4
            assert images.dtype == np.uint8
            assert images.shape[3] in (1, 3)
            assert labels.shape == images.shape[:1]
            assert 0 <= labels.min() <= labels.max() < len(decoded.classes)


@functools.cache  # a file tells when it was written
def _mat() -> bytes:
    buffer = io.BytesIO()
    images = _random(2).integers(0, 256, (32, 32, 3, 12), dtype=np.uint8)
    labels = np.arange(12, dtype=np.uint8)[:, np.newaxis] % 10 + 1
    savemat(buffer, {"X": images, "y": labels}, do_compression=True)
    return buffer.getvalue()


def _read_svhn(content: bytes, folder: Path) -> None:
    """By way of its hash, as all who ask for the data set: SciPy's parser crashes on some bytes."""
    whole = _mat()
    digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
    train, test = (StoredFile(name, (), len(whole), digest) for name in ("train", "test"))
    dataset = SvhnDataset(12, 12, train, test)
    for file, data in ((train, whole), (test, content)):
        (folder / file.path).write_bytes(data)
    decoded = dataset.decode(folder)
    images, labels = decoded.test_images, decoded.test_labels
    assert content == whole
    assert (images.shape, images.dtype, labels.shape) == ((12, 32, 32, 3), np.uint8, (12,))
    assert 0 <= labels.min() <= labels.max() < 10


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _arrays() -> dict[str, np.ndarray]:
    images = _random(3).integers(0, 256, (6, 4, 5), dtype=np.uint8)
    labels = np.arange(6) % 3
    return {
        **{"x_train": images, "y_train": labels, "x_test": images[:3], "y_test": labels[:3]},
        **{"x_val": images[:3], "y_val": labels[:3]},
    }


NPZ = {f"{name}.npy": _npy(array) for name, array in _arrays().items()}
_DTYPES = (
    "u1",
    "b1",
    "i1",
    "<i8",
    ">i2",
    "<u8",
    "<f2",
    "<f4",
    ">f8",
    "<c8",
    "S3",
    "<U2",
    "M8[s]",
    "O",
)


@st.composite
def _other_arrays(draw: Any) -> bytes:
    """Arrays of other names, types, shapes and values."""
    arrays: dict[str, np.ndarray] = dict(_arrays())
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from([*arrays, "X_train", "train_images", "val_labels", "a/b", ""]))
        shape = tuple(draw(st.lists(st.integers(0, 6), max_size=5)))
        kind = np.dtype(draw(st.sampled_from(_DTYPES)))
        values = draw(
            st.sampled_from(
                [0, 1, 2, 255, 256, -1, 0.5, 1 / 255, float("nan"), float("inf"), 99_999]
            )
        )
        with (
            contextlib.suppress(ValueError, TypeError, OverflowError),
            np.errstate(all="ignore"),
        ):
            arrays[name] = np.full(shape, values).astype(kind)
    if draw(st.booleans()):
        arrays.pop(draw(st.sampled_from(sorted(arrays))))
    return _zip({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def _read_npz(content: bytes, folder: Path) -> None:
    path = folder / "own.npz"
    path.write_bytes(content)
    own = NpzDataset(path)
    about = own.describe(folder)
    decoded = own.decode(folder)
    _assert_of_one_piece(decoded)
    assert about.shape == decoded.train_images.shape[1:]
    assert about.classes == decoded.classes


def _pictures() -> list[bytes]:
    pixels = _random(4).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    found = []
    for kind, mode in (
        *(("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "1")),
        *(("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("BMP", "RGB"), ("GIF", "P")),
        *(("TIFF", "RGB"), ("TIFF", "F"), ("WEBP", "RGBA"), ("PPM", "RGB"), ("PPM", "L")),
    ):
        image = Image.fromarray(pixels)
        image = image.convert("L").convert(mode) if mode in ("I;16", "F") else image.convert(mode)
        buffer = io.BytesIO()
        image.save(buffer, kind)
        found.append(buffer.getvalue())
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif)
    return [*found, buffer.getvalue()]


PICTURES = _pictures()


def _read_image(content: bytes, folder: Path) -> None:
    path = folder / "image"
    path.write_bytes(content)
    shape = image_files.shape(path)
    pixels = image_files.pixels(path)
    assert (pixels.dtype, pixels.shape) == (np.uint8, shape)
    assert image_files.load([path], (8, 8), (9, 9), 3, "pad", invert=True).shape == (1, 9, 9, 3)


@st.composite
def _folders(draw: Any) -> bytes:
    """A list of files by their paths, as JSON: a sound folder, of which some are others."""
    parts = draw(st.sampled_from([("",), ("train/", "test/"), ("train/", "test/", "val/")]))
    number = draw(st.integers(0, len(PICTURES) - 1))
    files = {
        f"{part}{name}/{place}": number for part in parts for name in "ab" for place in range(2)
    }
    names = ("train", "test", "val", "validation", "a", "b", "10", ".git", "Thumbs.db", "0")
    path = st.lists(st.sampled_from(names), min_size=1, max_size=3).map("/".join)
    files |= draw(st.dictionaries(path, st.integers(-2, len(PICTURES) - 1), max_size=3))
    for _ in range(draw(st.integers(0, 2))):
        files.pop(draw(st.sampled_from(sorted(files))), None)
    return as_json(files)


def _read_folder(content: bytes, folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    for name, number in json.loads(content).items():
        path = own / name
        with contextlib.suppress(OSError):
            if number == -1:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(PICTURES[number] if number >= 0 else b"no picture")
    dataset = FolderDataset(own)
    about = dataset.describe(folder)
    assert dataset.inputs(folder)
    with contextlib.suppress(BenchError):
        dataset.decode(folder)
    decoded = dataset.decode_to(folder, (7, 7), "resize")
    _assert_of_one_piece(decoded)
    assert (about.classes, about.train_size) == (decoded.classes, len(decoded.train_images))


def _documents(files: Sequence[Path]) -> list[Any]:
    return [json.loads(file.read_bytes()) for file in files]


def _as_bytes_or_document(documents: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Damage to the text, and other values in sound JSON, by turns."""
    texts = [as_json(document) for document in documents]
    return st.one_of(changed(documents).map(as_json), damaged(texts))


PUBLISHED = ROOT / "results" / "published" / "mnist"
RECORDS = (
    PUBLISHED / "records" / "torch-cpu-seed0.json",
    ROOT / "tests" / "report" / "frozen" / "torch-seed0.json",
    ROOT / "tests" / "report" / "frozen" / "keras-native-seed0.json",
    *sorted((ROOT / "tests" / "report" / "frozen-windows" / "records").glob("*.json"))[:1],
)


def _of_today(file: Path) -> Any:
    """A record as this version writes it."""
    (record,), _ = store.read_records([file])
    return record.model_dump(mode="json")


def _read_record(content: bytes, folder: Path) -> None:
    path = folder / "record.json"
    path.write_bytes(content)
    records, problems = store.read_records([path])
    assert len(records) + len(problems) == 1
    for _, problem in problems:
        raise BenchError(problem)
    (record,) = records
    path.write_text(record.model_dump_json(), encoding="utf-8")
    assert store.read_records([path])[0] == records


def _read_profile(content: bytes, folder: Path) -> None:
    path = folder / step_profile.FILE
    path.write_bytes(content)
    found, problems = step_profile.read_profiles([folder])
    assert len(found) + len(problems) == 1
    for _, problem in problems:
        raise BenchError(problem)
    build(ReportData(profiles=found), folder / "report", formats=("md", "csv", "json", "latex"))


def _profile() -> Any:
    """A document of one framework's profile and of one that could not be profiled."""
    several = (profile(clean()), profile((), reason="unavailable"))
    return Profiles(command=("profile",), profiles=several).model_dump(mode="json")


def _read_manifest(content: bytes, folder: Path) -> None:
    (folder / store.MANIFEST).write_bytes(content)
    manifest = store.read_manifest(folder)
    assert store.Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def _read_recipe(content: bytes, folder: Path) -> None:
    path = folder / "own.toml"
    path.write_bytes(content)
    found = recipe.read(str(path))
    assert found.name == "own"


@st.composite
def _toml(draw: Any) -> bytes:
    """Sound TOML with other keys and values."""
    keys = st.sampled_from(
        ["title", "datasets", "epochs", "lr", "seeds", "mean", "optimizer", "env", "notes", "name"]
    )
    value = st.one_of(
        *(st.integers(), st.floats(), st.booleans(), st.text(max_size=4)),
        *(st.lists(st.integers(), max_size=3), st.sampled_from(["sgd", 10**30, [[[]]]])),
    )
    lines = []
    for table in ("", "[options]", "[[published]]", draw(st.sampled_from(["[options]", "[a]"]))):
        own = draw(st.dictionaries(keys, value, max_size=4))
        lines += [table, *(f"{key} = {_toml_value(one)}" for key, one in own.items())]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _toml_value(value: Any) -> str:
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


def _recipes() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(recipe.FOLDER.glob("*.toml"))]
    deep = b"title = " + b"[" * 5_000 + b"]" * 5_000
    keys = b"a." * 5_000 + b"b = 1"
    return [*texts, b"\xef\xbb\xbf" + texts[0], deep, keys]


def _checkpoint() -> tuple[Any, dict[str, np.ndarray]]:
    """The header and the tensors of a sound one."""
    parameters, buffers = checkpoint_trees()
    tensors = {f"parameters/{name}": value for name, value in parameters.items()}
    for buffer, tree in buffers.items():
        tensors |= {f"optimizer/{buffer}/{name}": value for name, value in tree.items()}
    return checkpoint_header().model_dump(mode="json"), tensors


def _checkpoints() -> st.SearchStrategy[bytes]:
    header, tensors = _checkpoint()

    def whole(content: Any, of: dict[str, np.ndarray]) -> bytes:
        """With the hash that its content has, so that what is damaged is looked at."""
        document = dict(content) if isinstance(content, dict) else {"not": "a header"}
        with contextlib.suppress(ValueError, TypeError):
            document["sha256"] = checkpoint._sha256(document, of)
        text = as_json(document).decode("utf-8", "replace")
        return bytes(safetensors.numpy.save(of, {checkpoint.KEY: text}))

    few = dict(list(tensors.items())[:2])
    name = "parameters/conv1/bias"
    nans = {**tensors, name: np.full_like(tensors[name], np.nan)}
    sound = [whole(header, tensors), whole(header, few), whole(header, nans)]
    return st.one_of(changed([header]).map(lambda content: whole(content, tensors)), damaged(sound))


def _read_checkpoint(content: bytes, folder: Path) -> None:
    path = folder / "epoch.safetensors"
    path.write_bytes(content)
    found = checkpoint.read(path)
    assert all(np.isfinite(value).all() for value in found.parameters.values())


def _read_gate(content: bytes, _: Path) -> None:
    try:
        found = Result.model_validate_json(content)
    except ValidationError as error:
        raise BenchError("a gate's result is not right") from error
    found.judged_anew()


def _read_certificate(content: bytes, folder: Path) -> None:
    path = folder / "certificate.json"
    path.write_bytes(content)
    kept = certify._read(path)
    if kept is None:
        raise BenchError("none")
    assert kept.passed


def _inner(document: Any, *names: str) -> Any:
    for name in names:
        document = document[name]
    return document


def readers() -> dict[str, Reader]:
    """All of them, by their names."""
    records = [*_documents(RECORDS), *(_of_today(file) for file in RECORDS[:2])]
    certificate = _inner(records[-2], "provenance", "certificate")
    letters = _letters()
    gate = json.loads(gate_result(0.2).model_dump_json())
    return {
        "idx": Reader(st.one_of(damaged(IDX), st.binary(max_size=64)), _read_idx),
        "gzip": Reader(damaged([gzip.compress(one, 1) for one in IDX]), _read_gzip),
        "cifar": Reader(damaged([_batches(1), _batches(2), _tar()]), _read_cifar),
        "emnist": Reader(
            st.one_of(damaged([_zip(letters)]), _in_members(letters, packed=True)), _read_emnist
        ),
        "svhn": Reader(damaged([_mat()]), _read_svhn),
        "npz": Reader(
            st.one_of(damaged([_zip(NPZ)]), _in_members(NPZ), _other_arrays()), _read_npz
        ),
        "image": Reader(damaged(PICTURES), _read_image, memory_bytes=1 << 30),
        "folder": Reader(_folders(), _read_folder),
        "record": Reader(_as_bytes_or_document(records), _read_record),
        "profile": Reader(_as_bytes_or_document([_profile()]), _read_profile),
        "manifest": Reader(
            _as_bytes_or_document(_documents([PUBLISHED / store.MANIFEST])), _read_manifest
        ),
        "recipe": Reader(st.one_of(damaged(_recipes()), _toml()), _read_recipe),
        "checkpoint": Reader(_checkpoints(), _read_checkpoint),
        "gate": Reader(_as_bytes_or_document([gate]), _read_gate),
        "certificate": Reader(_as_bytes_or_document([certificate]), _read_certificate),
    }
