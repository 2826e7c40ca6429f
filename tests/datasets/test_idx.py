from __future__ import annotations

import contextlib
import dataclasses
import gzip
import struct
import subprocess
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.errors import DataError
from bench.workload.datasets import integrity
from bench.workload.datasets.idx import parse_idx
from bench.workload.datasets.published.mnist import FASHIONMNIST, KMNIST, MNIST, QMNIST


@given(
    hnp.arrays(
        st.sampled_from([np.dtype("u1"), np.dtype("i4")]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_what_is_written_is_read(array: np.ndarray) -> None:
    kind = 0x08 if array.dtype == np.uint8 else 0x0C
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    data = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    parsed = parse_idx(data, "file")
    np.testing.assert_array_equal(parsed, array)
    assert parsed.dtype.name == array.dtype.name


@given(st.binary(max_size=64))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(DataError):
        assert parse_idx(data, "file").nbytes <= len(data)


GOOD = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IDX file: it begins with nothing"),
        (b"\x1f\x8b" + GOOD[2:], "not an IDX file: it begins with 1f 8b 08 01"),
        (bytes([0, 0, 8, 0]), "not an IDX file"),
        (bytes([0, 0, 8, 5]) + bytes(20), "not an IDX file"),
        (bytes([0, 0, 0x0D, 1]) + GOOD[4:], "holds float32, where uint8 or int32 belong"),
        (bytes([0, 0, 0x55, 1]) + GOOD[4:], "holds type 0x55"),
        (GOOD[:6], "ends within its header of 8 bytes"),
        (GOOD[:-1], r"announces \(3,\) in 11 bytes but has 10: it is truncated"),
        (GOOD + b"\0", "has 12: something was appended"),
        (bytes([0, 0, 8, 4]) + b"\xff" * 16, "it is truncated"),
    ],
)
def test_corrupt_files_say_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_idx(data, "file")


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
@pytest.mark.parametrize("extended", [False, True], ids=["idx1", "qmnist"])
@pytest.mark.parametrize("archive", [False, True], ids=["content-hash", "archive-hash"])
def test_all_forms_decode_to_the_same(
    make: SimpleNamespace, root: Path, packed: bool, extended: bool, archive: bool
) -> None:
    tiny = make.idx(extended=extended, archive=archive)
    tiny.fill(root, packed)
    decoded = tiny.dataset.decode(root)
    np.testing.assert_array_equal(decoded.train_images, tiny.images[..., np.newaxis])
    np.testing.assert_array_equal(decoded.train_labels, tiny.labels)
    assert decoded.train_images.dtype == np.uint8
    assert decoded.train_labels.dtype == np.int32
    assert decoded.test_images is not None
    assert decoded.test_images.shape == (5, 28, 28, 1)
    assert [check.status for check in tiny.dataset.verify(root)] == ["ok"] * 4
    assert tiny.dataset.unfetched(root) == ()


def test_another_gzip_of_the_same_content_is_as_good(make: SimpleNamespace, root: Path) -> None:
    tiny = make.idx()
    tiny.fill(root)
    path = root / "TINY/raw/train-images.gz"
    path.write_bytes(gzip.compress(tiny.contents["TINY/raw/train-images.gz"], 1, mtime=9))
    tiny.dataset.decode(root)


def test_where_only_the_archives_hash_is_known_another_gzip_is_refused(
    make: SimpleNamespace, root: Path
) -> None:
    tiny = make.idx(archive=True)
    tiny.fill(root)
    path = root / "TINY/raw/train-images.gz"
    path.write_bytes(gzip.compress(tiny.contents["TINY/raw/train-images.gz"], 1, mtime=9))
    with pytest.raises(DataError, match="of its archive, but has sha256:"):
        tiny.dataset.decode(root)


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        (lambda packed: packed[:-20], "readable bytes, then"),
        (lambda packed: b"not gzip", "Not a gzipped file"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:-1]), "of 9,424 bytes"),
        (lambda packed: gzip.compress(gzip.decompress(packed) + b"\0"), "more than 9,424 bytes"),
        (lambda packed: gzip.compress(bytes(50_000_000), 1), "more than 9,424 bytes"),
        (lambda packed: gzip.compress(bytes(9424)), "but has sha256:"),
    ],
    ids=["truncated", "not-gzip", "short", "long", "bomb", "other-content"],
)
def test_a_damaged_file_names_expected_got_cause_and_remedy(
    make: SimpleNamespace, root: Path, damage, got: str
) -> None:
    tiny = make.idx()
    tiny.fill(root)
    path = root / "TINY/raw/train-images.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        tiny.dataset.decode(root)
    text = str(caught.value)
    assert got in text
    assert str(path) in text
    assert tiny.dataset.train_files[0].content_digest in text
    assert "truncated, damaged or another file" in text
    assert "`python -m bench data fetch tiny`" in text
    assert "\n" not in text
    assert tiny.dataset.verify(root)[0].status == "wrong"
    assert tiny.dataset.unfetched(root) == (tiny.dataset.train_files[0],)


@pytest.mark.parametrize("wrong", ["train-images", "train-images.gz"])
def test_a_wrong_copy_does_not_hide_a_good_one(
    make: SimpleNamespace, root: Path, wrong: str
) -> None:
    tiny = make.idx()
    tiny.fill(root, packed=True)
    tiny.fill(root, packed=False)
    (root / "TINY/raw" / wrong).write_bytes(bytes(9424))
    np.testing.assert_array_equal(tiny.dataset.decode(root).train_images[..., 0], tiny.images)
    assert tiny.dataset.unfetched(root) == ()


def test_a_copy_without_a_hash_does_not_stand_in_for_a_wrong_archive(
    make: SimpleNamespace, root: Path
) -> None:
    tiny = make.idx(archive=True)
    tiny.fill(root, packed=True)
    tiny.fill(root, packed=False)
    (root / "TINY/raw/train-images.gz").write_bytes(b"wrong")
    assert tiny.dataset.unfetched(root) == (tiny.dataset.train_files[0],)
    with pytest.raises(DataError, match="of its archive, but has sha256:"):
        tiny.dataset.decode(root)


def test_reading_is_bounded(make: SimpleNamespace, root: Path) -> None:
    file = make.idx().dataset.train_files[0]
    path = root / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(20_000_000), 1))
    tracemalloc.start()
    with pytest.raises(DataError, match="holds more bytes where 9,424 belong"):
        integrity.content(path, file)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 2_000_000


def rehashed(tiny, make: SimpleNamespace, index: int, content: bytes):
    """The data set with another content for one training file, whose hash agrees."""
    changed = list(tiny.dataset.train_files)
    changed[index] = dataclasses.replace(
        changed[index], content_bytes=len(content), content_digest=make.sha256(content)
    )
    return dataclasses.replace(tiny.dataset, train_files=tuple(changed))


@pytest.mark.parametrize(
    ("index", "array", "message"),
    [
        (0, np.zeros((12, 27, 28), np.uint8), r"uint8 \(12, 27, 28\), where uint8 \(12, 28, 28\)"),
        (0, np.zeros((11, 28, 28), np.uint8), r"\(11, 28, 28\)"),
        (0, np.zeros((12, 28, 28), np.int32), r"int32 \(12, 28, 28\)"),
        (1, np.zeros(11, np.uint8), r"uint8 \(11,\)"),
        (1, np.zeros(12, np.int32), r"int32 \(12,\)"),
        (1, np.zeros((12, 7), np.int32), r"int32 \(12, 7\)"),
        (1, np.full(12, 10, np.uint8), "labels from 10 to 10, where 0 to 9 belong"),
        (1, np.full((12, 8), -1, np.int32), "labels from -1 to -1"),
    ],
)
def test_what_does_not_belong_is_refused_even_with_a_right_hash(
    make: SimpleNamespace, root: Path, index: int, array: np.ndarray, message: str
) -> None:
    tiny = make.idx()
    tiny.fill(root)
    content = make.idx_bytes(array)
    (root / tiny.dataset.train_files[index].path).write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=message):
        rehashed(tiny, make, index, content).decode(root)


def test_a_missing_file_is_named_with_its_hash_and_place(make: SimpleNamespace, root: Path) -> None:
    tiny = make.idx()
    tiny.fill(root)
    (root / "TINY/raw/t10k-labels.gz").unlink()
    with pytest.raises(DataError) as caught:
        tiny.dataset.inputs(root)
    text = str(caught.value)
    assert text.startswith(
        f"data set 'tiny' is not in {root}: run `python -m bench data fetch tiny`"
    )
    assert f"TINY/raw/t10k-labels.gz (content {tiny.dataset.test_files[1].content_digest})" in text
    assert "train-images" not in text
    described = tiny.dataset.describe(root)
    assert not described.available
    assert described.reason is not None
    assert "1 of 4 files" in described.reason
    assert tiny.dataset.verify(root)[3].status == "missing"


@pytest.mark.parametrize("dataset", [MNIST, FASHIONMNIST, KMNIST, QMNIST], ids=lambda d: d.name)
def test_published_sets_are_described_in_full(dataset) -> None:
    assert len(dataset.classes) == 10
    for file in dataset.files:
        assert all(mirror.startswith("https://") for mirror in file.mirrors)
        assert all(mirror.endswith(file.path.rpartition("/")[2]) for mirror in file.mirrors)
        known = file.digest_of(compressed=True)
        assert known is not None
        assert len(known[1]) == len("sha256:") + 64
    digests = [file.content_digest or file.archive_digest for file in dataset.files]
    assert len(set(digests)) == 4


@pytest.mark.parametrize("algorithm", ["sha256", "git-blob"])
def test_files_of_another_set_in_the_folder_of_this_one_are_told_by_their_content(
    make: SimpleNamespace, root: Path, algorithm: str
) -> None:
    """MNIST's own files in KMNIST/raw have the names and sizes of KMNIST's."""
    tiny = make.idx(archive=True)
    images, *_ = tiny.contents.values()
    theirs = images[:-1] + bytes([images[-1] ^ 1])
    digest = make.sha256(theirs) if algorithm == "sha256" else f"git-blob:{git_name(theirs)}"
    first, second = tiny.dataset.train_files
    told = dataclasses.replace(first, others=(("images of another", digest),))
    dataset = dataclasses.replace(tiny.dataset, train_files=(told, second))
    tiny.fill(root, packed=False)
    checks = dataset.verify(root)
    assert [(check.status, check.by_size) for check in checks] == [("ok", True)] * 4
    (root / first.path).with_suffix("").write_bytes(theirs)
    check = dataset.verify(root)[0]
    assert (check.status, check.got) == ("wrong", f"{digest}, which is images of another")
    with pytest.raises(DataError, match=r"which is images of another: "):
        dataset.decode(root)


def git_name(content: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def test_a_content_is_held_against_the_name_that_git_gives_it(
    make: SimpleNamespace, root: Path
) -> None:
    tiny = make.idx()
    (path, content), *_ = tiny.contents.items()
    file = dataclasses.replace(
        tiny.dataset.train_files[0], content_digest=f"git-blob:{git_name(content)}"
    )
    tiny.fill(root, packed=False)
    plain = (root / path).with_suffix("")
    assert integrity.check(plain, file).status == "ok"
    plain.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert integrity.check(plain, file).status == "wrong"
    # SHA-256 is the surer one, where the file is the archive that it is known of.
    packed = dataclasses.replace(file, archive_digest="sha256:0")
    assert packed.digest_of(compressed=True) == ("archive", "sha256:0")


def test_each_set_of_the_family_knows_the_others() -> None:
    for dataset in (FASHIONMNIST, KMNIST, QMNIST):
        known = {what for file in dataset.files for what, _ in file.others}
        assert "train-images-idx3-ubyte of mnist" in known
        assert not any(what.endswith(f"of {dataset.name}") for what in known)
    by_size = [file.path for file in QMNIST.files if file.digest_of(compressed=False) is None]
    assert [Path(path).name for path in by_size] == [
        "qmnist-train-images-idx3-ubyte.gz",
        "qmnist-test-images-idx3-ubyte.gz",
    ]
    for dataset in (MNIST, FASHIONMNIST, KMNIST):
        assert all(file.content_digest for file in dataset.files)
