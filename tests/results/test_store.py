"""Results on the disk: whole, locked, and read back as they were written."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.config import plan
from bench.errors import StoreError
from bench.execution import record_builder, runner
from bench.results import store
from bench.results.record import SCHEMA, Record
from bench.system import machine


@pytest.fixture
def manifest() -> store.Manifest:
    asked = {
        "frameworks": ("torch", "flax"),
        "devices": ("cpu",),
        "seeds": (0, 1),
        "data_root": Path("/d"),
    }
    source = plan.AvailableImages(1797, 0, 1, 10, "d" * 64)
    return store.Manifest(
        name="a-run",
        created_at="2026-01-01T00:00:00+00:00",
        bench_version="0",
        command=("run",),
        asked=asked,
        plan=plan.make(asked, source),
        machine=machine.describe(),
    )


def record(manifest: store.Manifest, number: int = 0, **fields) -> Record:
    cell = manifest.plan.cells()[number]
    known = {"started_at": "now", "outcome": "ok"} | fields
    return record_builder.build(manifest.name, manifest.plan, cell, manifest.machine, known)


def test_a_record_comes_back_as_it_was(tmp_path, manifest):
    written = record(manifest, train_loss=[1.5, None], versions={"torch": "2"})
    with store.create(tmp_path, manifest) as run:
        run.save(written)
    assert store.read_records([tmp_path]) == ([written], [])
    assert store.read_records([tmp_path / "a-run"]) == ([written], [])
    path = tmp_path / "a-run" / "records" / f"{written.identity.cell}.json"
    assert store.read_records([path, path]) == ([written], [])
    assert store.read_manifest(tmp_path / "a-run") == manifest
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


def test_a_record_does_not_grow_with_the_number_of_cells(manifest):
    source = plan.AvailableImages(1797, 0, 1, 10, "d" * 64)
    sizes = []
    for seeds in (1, 1000):
        asked = {"frameworks": ("torch",), "devices": ("cpu",), "seeds": tuple(range(seeds))}
        of = plan.make(asked, source)
        cell = next(cell for cell in of.cells() if cell.seed == 0)
        fields = {"started_at": "now", "outcome": "ok"}
        one = record_builder.build("run", of, cell, manifest.machine, fields)
        sizes.append(len(one.model_dump_json()))
    assert abs(sizes[1] - sizes[0]) < 10  # min_repeats has more digits


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path, manifest):
    with store.create(tmp_path, manifest) as one, store.create(tmp_path, manifest) as two:
        assert one.folder != two.folder
        assert two.manifest.name == two.folder.name == "a-run-2"


def test_a_run_of_an_earlier_schema_that_is_none_is_told(tmp_path, manifest):
    content = json.loads(manifest.model_dump_json()) | {"schema_version": 4}
    content["plan"] = {"training": None, "optimizer": None}
    (tmp_path / store.MANIFEST).write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"run\.json: .*no run of schema 4"):
        store.read_manifest(tmp_path)


def test_one_writer_at_a_time(tmp_path, manifest):
    with (
        store.create(tmp_path, manifest) as run,
        pytest.raises(StoreError, match="another run is writing"),
        store.reopen(run.folder),
    ):
        pass
    with store.reopen(tmp_path / "a-run") as again:
        assert again.manifest == manifest


def test_records_come_in_the_order_of_the_plan(tmp_path, manifest):
    names = [cell.name for cell in manifest.plan.cells()]
    with store.create(tmp_path, manifest) as run:
        for number in (3, 1, 0):
            run.save(record(manifest, number))
        assert [r.identity.cell for r in run.records()] == [names[0], names[1], names[3]]
        assert [c.name for c in runner.unsettled(run)] == [names[2]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not whole JSON"),
        ('{"schema_version": 1, "run"', "not whole JSON"),
        ("[]", "it has no schema_version"),
        ("{}", "it has no schema_version"),
        (json.dumps({"schema_version": SCHEMA + 1}), "written by a newer lenet-bench"),
        (json.dumps({"schema_version": SCHEMA}), "(errors in all: "),
        ("\xff\xfe", "not whole JSON"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path, manifest, content, reason):
    with store.create(tmp_path, manifest) as run:
        good = record(manifest)
        run.save(good)
        bad = run.folder / "records" / "bad.json"
        bad.write_text(content, encoding="latin-1" if content.startswith("\xff") else None)
    records, [(path, why)] = store.read_records([tmp_path])
    assert records == [good]
    assert path == bad
    assert reason in why or "codec can't decode" in why


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path, manifest, monkeypatch, error):
    def failing(*_):
        raise error

    monkeypatch.setattr(store, "write_atomically", failing)
    wanted = StoreError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(wanted), store.create(tmp_path, manifest):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_had_begun_is_removed_by_the_next(tmp_path, manifest):
    with store.create(tmp_path, manifest) as run:
        folder = run.folder
    drafts = [
        *(folder / ".run.json.abcd_123", folder / "state.new"),
        folder / "records" / ".torch-cpu-seed0.json.01234567",
        folder / "checkpoints" / ".digits_torch_seed0_epoch1.safetensors.01234567",
    ]
    others = [folder / "records" / ".hidden", folder / "notes.json", folder / ".run.json.mine"]
    for path in (*drafts, *others):
        path.write_text("")
    with store.reopen(folder):
        pass
    assert not any(path.exists() for path in drafts)
    assert all(path.exists() for path in others)


def test_what_would_never_end_is_not_read(tmp_path, manifest):
    with store.create(tmp_path, manifest) as run:
        os.mkfifo(run.folder / "records" / "queue.json")
        (run.folder / "records" / "zeros.json").symlink_to("/dev/zero")
    records, problems = store.read_records([tmp_path])
    assert records == []
    assert [(path.name, why) for path, why in problems] == [
        ("queue.json", "no regular file"),
        ("zeros.json", "no regular file"),
    ]


def test_names_out_of_a_file_break_no_line_and_steer_no_terminal(tmp_path, manifest):
    content = json.loads(record(manifest).model_dump_json()) | {"a\n\x1b[31m": 1}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(content))
    (found,) = store.read_records([path])[1]
    assert found[1].startswith(r"a\n\x1b[31m: Extra inputs are not permitted")


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    store.write_atomically(path, "before")
    with pytest.raises(UnicodeEncodeError):
        store.write_atomically(path, "\ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_loses_no_record(tmp_path, manifest):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        with store.create(disk, manifest) as run:
            (run.folder / "ballast").write_bytes(b"x" * _free(disk))
            written = record(manifest)
            with pytest.raises(StoreError, match=r"the record is in .*\.json") as caught:
                run.save(written)
        spare = Path(str(caught.value).split("the record is in ")[1].split(":")[0])
        assert store.read_records([spare]) == ([written], [])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _free(disk: Path) -> int:
    import shutil

    return shutil.disk_usage(disk).free


def test_an_earlier_try_is_set_aside(tmp_path, manifest):
    cell = manifest.plan.cells()[0]
    with store.create(tmp_path, manifest) as run:
        for attempt in ("first", "second"):
            run.save(record(manifest, reason=attempt, outcome="failed"))
            run.log_path(cell).write_text(attempt)
            run.set_aside(cell)
        assert not run.record_path(cell).exists()
        kept = sorted(path.name for path in (run.folder / "attempts").iterdir())
        assert kept == [f"{cell.name}.{n}.{kind}" for n in (1, 2) for kind in ("json", "log")]


def test_names_sort_by_time_and_hold_no_path():
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert store.run_name("mnist", "lenet5", now) == "2026-01-31T12-00-00Z-mnist-lenet5"
    assert store.run_name("npz:/a/b.npz", "lenet5", now) == "2026-01-31T12-00-00Z-npz-lenet5"
