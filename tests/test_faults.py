"""The campaign of faults: a tenth of it with each part of the long tests, and that it can fail."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import campaign
from tests.faults.campaign import Kind, Tally
from tests.faults.kinds import KINDS
from tests.faults.program import Done
from tests.faults.scene import Baseline, Scene, WrongError

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "what-can-go-wrong.md"
SEED, COUNT, PARTS = 1, 200, 10
EACH = COUNT // PARTS


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", [pytest.param(k, marks=pytest.mark.part(k)) for k in range(PARTS)])
def test_a_part_of_the_campaign(part):
    """The parts together are `python -m tests.faults --seed 1 --count 200`."""
    asked = ("--seed", str(SEED), "--count", str(COUNT))
    slice_ = ("--first", str(part * EACH + 1), "--last", str(part * EACH + EACH))
    command = [sys.executable, "-m", "tests.faults", *asked, *slice_]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kinds_are_drawn_evenly_and_alike_for_a_seed():
    drawn = list(campaign.drawn(KINDS, SEED, COUNT))
    assert drawn == list(campaign.drawn(KINDS, SEED, COUNT))
    assert drawn != list(campaign.drawn(KINDS, SEED + 1, COUNT))
    counts = Counter(kind.name for kind, _ in drawn)
    assert len(counts) == len(KINDS) > 25
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_table_of_what_was_right_and_what_repeats_a_failure():
    tally = Tally(Counter(a=3, b=2), Counter(a=3.0, b=1.0))
    tally.failures.append(campaign.Failure("b", 17, "a process is left"))
    lines = campaign.table(tally).splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["a", "3", "3"],
        ["b", "2", "1"],
        ["all", "5", "4"],
    ]
    assert lines[4] == "python -m tests.faults --kind b --seed 17: a process is left"


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path, random.Random(0))
    with made.stack:
        yield made


def test_a_process_that_is_left_is_found(scene):
    process = subprocess.Popen(["sleep", "60"], env=scene.env)
    with pytest.raises(WrongError, match=f"processes are left: {process.pid}"):
        scene.expect_no_process(limit_s=0.1)
    process.wait()  # it has been ended
    scene.expect_no_process(limit_s=0)


@pytest.mark.parametrize("name", ["results/a/records/.x.json.abcd1234", "tmp/any", "cache/.draft"])
def test_a_temporary_file_that_is_left_is_found(scene, name):
    scene.expect_no_draft()
    path = scene.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    with pytest.raises(WrongError, match="files are left"):
        scene.expect_no_draft()


@pytest.mark.parametrize(
    ("done", "wrong"),
    [
        (Done(3, "", "error: one", 0), "expected exit code"),
        (Done(2, "", "error: one\nerror: two", 0), "not one line of complaint"),
        (Done(2, "", "", 0), "not one line of complaint"),
        (Done(2, "", "error: one\nTraceback (most recent", 0), "a traceback"),
        (Done(2, "", "error: one", 4 << 30), "it took 4096 MiB"),
        (Done(2, "", "error: another", 0), "'one' is not told"),
    ],
)
def test_what_is_told_wrongly_is_found(scene, done, wrong):
    with pytest.raises(WrongError, match=wrong):
        scene.expect_told(done, (2,), "one")
    scene.expect_told(Done(2, "", "error: one", 0), (2,), "one")


def test_other_figures_and_missing_cells_are_found(scene, tmp_path):
    baseline = Baseline({"a-cpu-seed0": {"test_accuracy": 0.5}}, 10, scene.cache)
    folder = tmp_path / "scene"
    folder.mkdir()
    compared = Scene(folder, random.Random(0), baseline)
    (compared.out / "run" / "records").mkdir(parents=True)
    with pytest.raises(WrongError, match="0 folders of runs"):
        compared.expect_undisturbed()
    (compared.out / "run" / "run.json").write_text("{}")
    with pytest.raises(WrongError, match="there are cells"):
        compared.expect_undisturbed()


def test_a_fault_that_goes_wrong_is_counted(monkeypatch, tmp_path):
    def always_wrong(scene: Scene) -> None:
        """Nothing holds."""
        scene.expect(False, "as it was meant")

    monkeypatch.setattr(campaign.scenes, "temporary", lambda: tmp_path)
    monkeypatch.setattr(campaign.scenes, "undisturbed", lambda _: Baseline({}, 1, tmp_path / "c"))
    (tmp_path / "c").mkdir()
    told = []
    tally = campaign.carry_out([(Kind(always_wrong), 3)], told.append)
    assert [(one.kind, one.seed, one.wrong) for one in tally.failures] == [
        ("always-wrong", 3, "as it was meant")
    ]
    assert "WRONG: as it was meant" in told[0]


def _table() -> str:
    rows = [f"| `{kind.name}` | {kind.about.replace('|', chr(92) + '|')} |" for kind in KINDS]
    return "\n".join(["| kind | what happens, and what the program does |", "|---|---|", *rows, ""])


def _page() -> str:
    before, _, rest = PAGE.read_text().partition("<!-- kinds -->\n")
    _, end, after = rest.partition("<!-- end of the kinds -->")
    return f"{before}<!-- kinds -->\n{_table()}{end}{after}"


def test_the_page_names_every_kind():
    """To write it anew: PYTHONPATH=. python tests/test_faults.py."""
    assert PAGE.read_text() == _page()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    PAGE.write_text(_page())
