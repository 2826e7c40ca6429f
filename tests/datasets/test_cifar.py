from __future__ import annotations

import dataclasses
import gzip
import io
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import DataError
from bench.workload.datasets.cifar import parse_batch, read_members
from bench.workload.datasets.published.cifar import CIFAR10, CIFAR100, CIFAR100_COARSE

LIMIT = 1 << 20


def write_batches(tiny, root: Path) -> None:
    for path, data in tiny.batches.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)


def test_planes_become_pixels() -> None:
    row = np.zeros((1, 3073), np.uint8)
    row[0, 0] = 7
    row[0, 1 + 0 * 1024 + 34] = 10  # red, second row, third column
    row[0, 1 + 2 * 1024 + 34] = 30  # blue
    images, labels = parse_batch(row.tobytes(), "batch", 10)
    assert labels.tolist() == [7]
    assert labels.dtype == np.int32
    assert images.shape == (1, 32, 32, 3)
    assert images[0, 1, 2].tolist() == [10, 0, 30]
    assert images.sum() == 40


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (bytes(3072), "3,072 bytes, which is no multiple of 3,073"),
        (bytes(3074), "no multiple"),
        (b"\x0a" + bytes(3072), "labels up to 10, where 0 to 9 belong"),
    ],
)
def test_corrupt_batches_say_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_batch(data, "batch", 10)


def test_archive_and_unpacked_files_decode_to_the_same(make: SimpleNamespace, root: Path) -> None:
    tiny = make.cifar()
    (root / "tiny.tar.gz").write_bytes(tiny.archive)
    packed = tiny.dataset.decode(root)
    assert len(tiny.dataset.verify(root)) == 1
    assert not list(root.rglob("*.bin")), "the archive is read in place"
    (root / "tiny.tar.gz").unlink()
    write_batches(tiny, root)
    plain = tiny.dataset.decode(root)
    assert [check.status for check in tiny.dataset.verify(root)] == ["ok"] * 6
    assert tiny.dataset.unfetched(root) == ()
    assert plain.train_images.shape == (100, 32, 32, 3)
    assert plain.test_images is not None
    assert plain.test_images.shape == (20, 32, 32, 3)
    for part in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(packed, part), getattr(plain, part))


def test_a_wrong_batch_file_fails_its_hash(make: SimpleNamespace, root: Path) -> None:
    tiny = make.cifar()
    write_batches(tiny, root)
    path = root / CIFAR10.batches[2].path
    path.write_bytes(bytes(20 * 3073))
    with pytest.raises(DataError, match=r"data_batch_3.bin should have sha256:.* but has sha256:"):
        tiny.dataset.decode(root)
    assert tiny.dataset.unfetched(root) == (tiny.dataset.archive,)


def test_a_wrong_archive_fails_its_hash(make: SimpleNamespace, root: Path) -> None:
    tiny = make.cifar()
    (root / "tiny.tar.gz").write_bytes(tiny.archive[:-5])
    with pytest.raises(DataError, match=r"tiny.tar.gz should have sha256:.* of its archive"):
        tiny.dataset.decode(root)


def test_missing_batches_ask_for_the_archive(make: SimpleNamespace, root: Path) -> None:
    tiny = make.cifar()
    write_batches(tiny, root)
    (root / CIFAR10.batches[0].path).unlink()
    with pytest.raises(DataError, match=r"by hand: tiny.tar.gz \(archive sha256:"):
        tiny.dataset.inputs(root)
    assert not tiny.dataset.describe(root).available
    assert tiny.dataset.verify(root)[0].status == "missing"


def test_parts_without_equally_many_of_each_class_are_refused(
    make: SimpleNamespace, root: Path
) -> None:
    def one_more_airplane(batches: dict[str, bytes]) -> None:
        path = CIFAR10.batches[0].path
        rows = np.frombuffer(batches[path], np.uint8).reshape(-1, 3073).copy()
        rows[rows[:, 0] == 9, 0] = 0
        batches[path] = rows.tobytes()

    tiny = make.cifar(edit=one_more_airplane)
    write_batches(tiny, root)
    with pytest.raises(DataError, match=r"training part has \[12, 10.*8\] images .* 10 of each"):
        tiny.dataset.decode(root)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_an_archive_writes_nothing_whatever_its_members_are_called(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    archive = folder / "evil.tar.gz"
    outside = tmp_path / "outside"
    archive.write_bytes(
        make.tar_gz(
            [
                ("../../escaped.bin", b"x" * 8),
                (str(outside), b"x" * 8),
                link("b/link", str(tmp_path)),
                ("b/link/through.bin", b"x" * 8),
                ("b/wanted.bin", b"12345678"),
                ("../b/wanted.bin", b"evil-one"),
            ]
        )
    )
    before = sorted(tmp_path.rglob("*"))
    assert read_members(archive, {"b/wanted.bin": 8}, LIMIT) == {"b/wanted.bin": b"12345678"}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "members",
    [
        [link("b.bin", "/etc/passwd")],
        [link("b.bin", "other.bin", tarfile.LNKTYPE)],
        [(link("b.bin", "other.bin")[0], b"12345678")],
        [("b.bin", b"1234567")],
        [("b.bin", b"123456789")],
        [("b.bin", b"12345678"), ("b.bin", b"12345678")],
    ],
    ids=["symlink", "hard-link", "symlink-with-size", "short", "long", "twice"],
)
def test_a_wanted_member_must_be_one_regular_file_of_its_size(
    make: SimpleNamespace, tmp_path: Path, members: list
) -> None:
    archive = tmp_path / "evil.tar.gz"
    archive.write_bytes(make.tar_gz(members))
    with pytest.raises(DataError, match=r"member b.bin is not one regular file of 8 bytes"):
        read_members(archive, {"b.bin": 8}, LIMIT)


def test_a_lacking_member_is_named(make: SimpleNamespace, tmp_path: Path) -> None:
    archive = tmp_path / "other.tar.gz"
    archive.write_bytes(make.tar_gz([("./b.bin", b"12345678")]))
    with pytest.raises(DataError, match=r"lacks b\.bin"):
        read_members(archive, {"b.bin": 8}, LIMIT)


def test_a_bomb_ends_at_the_limit(tmp_path: Path) -> None:
    info = tarfile.TarInfo("filler")
    info.size = 64 << 20
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", 1) as stream:
        stream.write(info.tobuf())
        for _ in range(64):
            stream.write(bytes(1 << 20))
    archive = tmp_path / "bomb.tar.gz"
    archive.write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match="unpacks to more bytes than the archive can hold"):
        read_members(archive, {"b.bin": 8}, LIMIT)


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_broken_archive_is_refused_with_one_line(
    make: SimpleNamespace, tmp_path: Path, cut: int
) -> None:
    archive = tmp_path / "cut.tar.gz"
    content = np.random.default_rng(0).bytes(4096)
    archive.write_bytes(make.tar_gz([("b.bin", content)])[:cut])
    with pytest.raises(DataError) as caught:
        read_members(archive, {"b.bin": 4096}, LIMIT)
    assert "\n" not in str(caught.value)


def test_the_published_set_is_described_in_full() -> None:
    described = CIFAR10.describe(Path("nowhere"))
    assert (described.train_size, described.test_size) == (50_000, 10_000)
    assert described.shape == (32, 32, 3)
    assert all(url.startswith("https://") for url in CIFAR10.archive.mirrors)
    assert {batch.content_bytes for batch in CIFAR10.batches} == {30_730_000}
    # The archive leaves room for what else is in it, and no more than that.
    assert CIFAR10.archive.content_bytes < 6 * 30_730_000 * 1.01
    assert dataclasses.is_dataclass(CIFAR10)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("published", [CIFAR100, CIFAR100_COARSE], ids=lambda one: one.name)
def test_of_two_labels_a_row_the_right_one_is_the_class(
    make: SimpleNamespace, root: Path, published, packed: bool
) -> None:
    random = np.random.default_rng(4)
    contents, fine = {}, {}
    for batch, rows in zip(published.batches, (200, 100), strict=True):
        content = random.integers(0, 256, (rows, 3074), dtype=np.uint8)
        labels = fine[batch.path] = random.permutation(np.arange(rows) % 100)
        content[:, 0], content[:, 1] = labels // 5, labels
        contents[batch.path] = content.tobytes()
    archive = make.tar_gz(list(contents.items()))
    tiny = dataclasses.replace(
        published,
        archive=dataclasses.replace(published.archive, archive_digest=make.sha256(archive)),
        batches=tuple(
            dataclasses.replace(
                batch,
                content_bytes=len(contents[batch.path]),
                content_digest=make.sha256(contents[batch.path]),
            )
            for batch in published.batches
        ),
    )
    if packed:
        (root / published.archive.path).write_bytes(archive)
    else:
        write_batches(SimpleNamespace(batches=contents), root)
    decoded = tiny.decode(root)
    train, test = fine.values()
    divided = 5 if published is CIFAR100_COARSE else 1
    assert decoded.train_labels.tolist() == (train // divided).tolist()
    assert decoded.test_labels is not None
    assert decoded.test_labels.tolist() == (test // divided).tolist()
    first = np.frombuffer(contents[published.batches[0].path], np.uint8)[2:3074]
    np.testing.assert_array_equal(decoded.train_images[0].transpose(2, 0, 1).ravel(), first)


def test_cifar100_is_described_in_full() -> None:
    for dataset, classes in ((CIFAR100, 100), (CIFAR100_COARSE, 20)):
        described = dataset.describe(Path("nowhere"))
        assert (described.train_size, described.test_size) == (50_000, 10_000)
        assert len(set(described.classes)) == classes
