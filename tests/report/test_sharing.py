"""`--share`: of records full of identity nothing is in any file; figures stay as they were."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.config.run_settings import RunSettings
from bench.results.record import Record
from bench.results.step_profile import Profiles
from report.analysis.comparison import compare
from report.build import build
from report.report_data import ReportData
from report.sharing import Stripper
from report.wording.notes import plain_note
from tests.report.every_format import PLAIN
from tests.results.test_step_profile import profile

pytestmark = pytest.mark.xdist_group("report")  # see test_html.py

HOST, ID = "8c1de5a7b402", "4c4c4544003510388047b4c04f333232"
IDENTITY = (
    *("zoelouise", "gpu-node17", "cluster.example.org", "10.20.30.40", "Zoe Louise", HOST, ID),
    *("/home", "/mnt/lab", "C:\\Users", "/scratch", "private-data", "secret-project", "node18"),
    "Zoe-Louise",
)
TYPED = {
    "2025-01-02-mnist": (
        *("run", "--data-root", "/home/zoelouise/data", "--out", "secret-project/runs"),
        *("--on", "dask:tcp://gpu-node17:8786", "--dataset", "npz:private-data/x.npz"),
        *("--env", "CACHE=/scratch/zoelouise"),
    )
}
Make = Callable[..., Record]


@pytest.fixture
def telling(make: Make) -> list[Record]:
    """Records whose every text tells of somebody."""
    settings = RunSettings(
        frameworks=("torch", "keras"), devices=("cpu",), batch_sizes=(), threads=(),
        min_repeats=1, max_repeats=1, data_root=Path("/home/zoelouise/data"),
        env=("CACHE=/scratch/zoelouise:lib/secret-project",),
    )  # fmt: skip
    common = {
        "machine_host": HOST,
        "dataset": "npz:/home/zoelouise/private-data/Zoe Louise.npz",
        "resumed_from": "zoelouise_best.safetensors",
        "checkpoints": [
            "zoelouise_best.safetensors",
            "Zoe-Louise_torch_seed0_epoch2_acc0.9000.safetensors",
        ],
        "variables": {
            "HOME": "/home/zoelouise",
            "HOSTNAME": "gpu-node17",
            "XLA_FLAGS": "--to=/scratch/x --n=1",
        },
        "warnings": ["zoelouise@gpu-node17.cluster.example.org computed in /scratch/zoelouise/run"],
        "data_notes": [
            "passed over private-data/secret-project/a.png, of ZoeLouise",
            "Zoe Louise.npz: taken are x_train and x_test",
        ],
        "versions": {"torch": "2.9.1", "julia": "1.10 (/home/zoelouise/.julia)"},
        "checkpoint_error": "cannot write '/mnt/lab/Zoe Louise/checkpoints': full",
        "class_names": ["cat", "zoelouise"],
        "left_out": {"peak_device_bytes": "no counter in C:\\Users\\Zoe Louise\\lib"},
    }
    found = [
        make(framework=name, seed=seed, images_per_s=speed * (1 + seed / 100), **common)
        for name, speed in (("torch", 1000.0), ("keras", 500.0))
        for seed in (0, 1, 2)
    ]
    broken = make(
        framework="flax",
        outcome="failed",
        reason="lost the host tcp://node18:8786 (10.20.30.40:22), machine " + ID,
        log_tail='File "/home/zoelouise/secret-project/a.py"\n[zoelouise@gpu-node17 ~]$ ',
        **common,
    )
    return [one.model_copy(update={"run_settings": settings}) for one in (*found, broken)]


def shared(records: list[Record], folder: Path) -> tuple[Stripper, list[Record]]:
    stripper = Stripper()
    stripper.learn(records, TYPED)
    bare = [stripper.record(record) for record in records]
    problems = stripper.problems([(Path("/home/zoelouise/runs/a.json"), "no file of zoelouise")])
    build(
        ReportData.of(
            bare, problems=problems, typed=stripper.commands(TYPED), stripped=stripper.said
        ),
        folder,
        formats=PLAIN,
    )
    return stripper, bare


def test_nothing_of_it_is_in_any_file(telling, tmp_path) -> None:
    shared(telling, tmp_path)
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    kinds = {path.suffix for path in files}
    assert kinds == {".html", ".md", ".csv", ".json", ".tex", ".svg", ".png"}
    for path in files:
        content = path.read_bytes()
        for packed in re.findall(rb"data:[\w/;=-]+;base64,([\w+/=]+)", content):
            raw = base64.b64decode(packed)
            content += gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
        text = content.decode("utf-8", "replace").casefold()
        found = [one for one in IDENTITY if one.casefold() in text]
        assert found == [], path.name


def test_nor_is_it_in_profiles(make: Make, tmp_path) -> None:
    of = profile((), reason="failed: /home/zoelouise/lib is not there, says gpu-node17")
    machine = make(machine_host=HOST).environment.machine
    of = of.model_copy(update={"machine": machine, "variables": {"CACHE": "/scratch/zoelouise"}})
    several = Profiles(command=("profile", "--out", "secret-project/runs"), profiles=(of,))
    stripper = Stripper(hosts=["gpu-node17"])
    stripper.learn([], profiles=[several])
    build(ReportData(profiles=[stripper.profiles(several)]), tmp_path, formats=PLAIN)
    for path in (one for one in tmp_path.rglob("*") if one.is_file()):
        text = path.read_text(encoding="utf-8").casefold()
        assert [one for one in IDENTITY if one.casefold() in text] == [], path.name
    assert "is not there" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_without_sharing_it_is_there(telling, tmp_path) -> None:
    """The test above can fail."""
    build(ReportData.of(telling, typed=TYPED), tmp_path, formats=["json"])
    text = (tmp_path / "report.json").read_text(encoding="utf-8").casefold()
    named = [
        one.casefold().replace("\\", "\\\\")
        for one in IDENTITY
        if one not in ("cluster.example.org",)
    ]
    assert [one for one in named if one not in text] == []


def test_it_says_what_was_taken_out(telling, tmp_path) -> None:
    stripper, _ = shared(telling, tmp_path)
    said = plain_note(stripper.said)
    assert re.match(
        r"Taken out for sharing: \d+ host names, \d user names?, \d+ paths and 1 end of logs\.",
        said,
    )
    for name in ("report.md", "report.json", "report.tex", "report.html"):
        assert "Taken out for sharing: " in (tmp_path / name).read_text(encoding="utf-8"), name


def test_figures_and_setups_stay_as_they_were(telling, tmp_path) -> None:
    _, bare = shared(telling, tmp_path)
    before, after = compare(telling), compare(bare)
    assert [one.rows for one in before] == [one.rows for one in after]
    assert len({one.environment.machine.host for one in bare}) == 1
    assert bare[0].environment.machine.cpu == telling[0].environment.machine.cpu
    assert bare[0].environment.variables["XLA_FLAGS"].endswith("--n=1")


def test_what_was_different_is_still_told_apart(make: Make) -> None:
    records = [make(machine_host=host, dataset=f"npz:/a/{host}") for host in ("a1", "b2", "a1")]
    stripper = Stripper()
    hosts = [stripper.record(one).environment.machine.host for one in records]
    sets = [stripper.record(one).settings.dataset for one in records]
    assert hosts == ["[host 1]", "[host 2]", "[host 1]"]
    assert sets == ["npz:[path 1]", "npz:[path 2]", "npz:[path 1]"]


def test_what_is_no_identity_stays(make: Make) -> None:
    stripper = Stripper(users=["torch"], hosts=["adam"])
    record = make(
        warnings=["3,000 images/s and/or 2 GFLOP/s, see https://example.org/a/b, conv1/kernel"]
    )
    bare = stripper.record(record)
    assert bare.environment.warnings == record.environment.warnings
    assert bare.identity.framework == "torch"
    assert bare.settings == record.settings
    assert bare.throughput == record.throughput
    assert "nothing, since" in plain_note(stripper.said)


def test_who_uses_this_machine_is_known(make: Make, monkeypatch) -> None:
    monkeypatch.setattr("report.sharing.getpass.getuser", lambda: "annabel")
    monkeypatch.setattr("report.sharing.socket.gethostname", lambda: "laptop-of-annabel")
    stripper = Stripper.of_this_machine()
    bare = stripper.record(make(warnings=["annabel's job on laptop-of-annabel"]))
    assert bare.environment.warnings == ["[user 1]'s job on [host 1]"]
