"""`bench compare` and `bench history`, on frozen records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FROZEN = Path(__file__).parents[1] / "report" / "frozen-windows"
LADDER = Path(__file__).parents[2] / "results" / "published" / "ladder"
Run = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Copies the frozen run; `change` gets each record and returns what to keep of it, or None."""

    def copied(name: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Path:
        folder = tmp_path / "results" / name
        (folder / "records").mkdir(parents=True)
        for file in (FROZEN / "records").glob("*.json"):
            record = change(json.loads(file.read_text()) | {"run": name})
            if record is not None:
                (folder / "records" / file.name).write_text(json.dumps(record))
        return folder

    return copied


def slower(of: str, factor: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(record: dict[str, Any]) -> dict[str, Any]:
        if record["framework"] == of:
            record["images_per_s"] *= factor
        return record | {"started_at": record["started_at"].replace("2026-02", "2026-03")}

    return change


def only(*frameworks: str, batch_size: int = 64) -> Callable[[dict[str, Any]], Any]:
    def change(record: dict[str, Any]) -> dict[str, Any] | None:
        wanted = record["framework"] in frameworks and record["batch_size"] == batch_size
        return record if wanted else None

    return change


def standings(document: str, contest: int = 0) -> dict[str, dict[str, Any]]:
    found = json.loads(document)["contests"][contest]["standings"]
    return {one["framework"]: one for one in found}


def test_the_frameworks_of_a_run(bench):
    done = bench("compare", str(FROZEN), "--baseline", "torch")
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.splitlines()]
    ranked = {words[1]: words for words in table if words[:1] in (["1"], ["2"], ["3"])}
    assert ranked["torch:compile"][0] == "1"
    assert ranked["torch:compile"][-4:] == ["1.250", "1.200–1.300", "0.023", "faster"]
    assert ranked["torch"][-4:] == ["base", "–", "–", "–"]
    assert "signed rank, two-sided, by Holm" in done.stdout


def test_what_is_in_no_table_is_told(bench, run):
    """With a figure of the two that are left, and of a framework that only one run has."""

    def without_target(record: dict[str, Any]) -> dict[str, Any]:
        return record | {"time_to_target_s": None if record["framework"] == "keras" else 3.0}

    first = run("first", without_target)
    done = bench("compare", str(first), "--metric", "time_to_target")
    assert "keras is left out: it has no time_to_target in first\n" in done.stderr
    assert " keras " not in done.stdout
    fewer = run("fewer", only("torch", "torch:compile"))
    both = bench("compare", str(first), str(fewer))
    assert both.stderr == "keras is only in first, not in fewer\n"

    def without_speed(record: dict[str, Any]) -> dict[str, Any]:
        return record | ({"images_per_s": None} if record["framework"] == "keras" else {})

    silent = bench("compare", str(first), str(run("silent", without_speed)))
    assert silent.stderr == "keras is left out: it has no images_per_s in silent\n"


def test_a_known_defect_is_told(bench, run):
    def defective(record: dict[str, Any]) -> dict[str, Any]:
        if record["framework"] != "keras":
            return record
        versions = record["versions"] | {"jaxlib": "0.10.2"}
        return record | {"framework": "flax", "versions": versions}

    done = bench("compare", str(run("first", defective)))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("flax ran with a version that has a known defect: jaxlib 0.10.2") == 1


def test_the_same_as_json(bench):
    done = bench("compare", str(FROZEN), "--json")
    found = standings(done.stdout)
    assert list(found) == ["torch:compile", "torch", "keras"]
    assert [one["rank"] for one in found.values()] == [1, 2, 3]
    assert found["torch"]["effect"]["estimate"] == pytest.approx(0.8)
    assert found["torch"]["p_holm"] == pytest.approx(3 * 2 / 2**8)
    assert (found["torch"]["verdict"], found["torch:compile"]["verdict"]) == ("slower", None)
    interval = found["torch"]["effect"]["interval"]
    assert (interval["method"], interval["level"] > 1 - 0.05 / 3) == ("Hodges-Lehmann", True)
    assert found["torch:compile"]["effect"] is None
    assert len(json.loads(done.stdout)["contests"]) == 2  # batch sizes 64 and 128


def test_ties_are_shown_as_ties(bench, run):
    """keras gets torch's speeds, one a little above and the next a little below."""

    def change(record):
        if record["framework"] == "keras" and record["batch_size"] == 64:
            source = FROZEN / "records" / (record["cell"].replace("keras", "torch") + ".json")
            sign = 1 if record["repeat"] else -1
            record["images_per_s"] = json.loads(source.read_text())["images_per_s"] + sign
        return record if record["batch_size"] == 64 else None

    done = bench("compare", str(run("tied", change)))
    ranks = [line.split()[:2] for line in done.stdout.splitlines() if "torch" in line[:22]]
    assert ["1", "torch:compile"] in ranks
    assert ["2=", "torch"] in ranks
    assert "= marks a tie" in done.stdout


def test_a_target_that_was_missed_is_neither_compared_nor_ranked(bench):
    found = standings(bench("compare", str(FROZEN), "--metric", "time_to_target", "--json").stdout)
    assert (found["keras"]["missed_target"], found["keras"]["effect"]) == (1, None)
    assert found["keras"]["rank"] is None
    assert found["keras"]["estimate"] == pytest.approx(20.0)  # (16 + 16 + 24 + 24)/4
    assert (found["torch:compile"]["rank"], found["torch"]["rank"]) == (1, 2)


def test_accuracies_are_told_as_differences(bench):
    done = bench("compare", str(FROZEN), "--metric", "test_accuracy", "--baseline", "torch")
    assert "-0.60" in done.stdout
    assert "No rank: at no place of the list can everything above be told apart" in done.stdout


def test_a_run_against_another(bench, run):
    first, later = run("first", slower("none", 1.0)), run("later", slower("torch", 0.8))
    done = bench("compare", str(first), str(later), "--json")
    contests = json.loads(done.stdout)["contests"]
    by_name = {
        one["baseline"]["framework"]: one for one in contests if one["setup"]["batch_size"] == 64
    }
    assert by_name["torch"]["standings"][1]["effect"]["estimate"] == pytest.approx(0.8)
    assert by_name["torch"]["standings"][1]["p_holm"] < 0.001
    assert by_name["torch"]["intervals_overlap"] is False
    assert by_name["keras"]["intervals_overlap"] is True
    assert by_name["keras"]["standings"][1]["p_holm"] == 1.0
    assert all("Unpaired" in " ".join(one["notes"]) for one in contests)
    text = bench("compare", str(first), str(later)).stdout
    assert "later against first" in text
    assert "Unpaired: the runs were made at different hours" in text


def test_a_baseline_asks_for_each_run_of_several(bench, run):
    later = run("later", slower("torch", 0.8))
    done = bench("compare", str(FROZEN), str(later), "--baseline", "torch", "--json")
    kinds = [one["kind"] for one in json.loads(done.stdout)["contests"]]
    assert kinds.count("within a run") == 4
    assert kinds.count("between runs") == 5


def test_a_single_process_has_no_interval_and_it_is_said(bench, run):
    def first_block(record):
        first = record["seed"] == record["repeat"] == 0 and record["batch_size"] == 64
        return record if first else None

    done = bench("compare", str(run("single", first_block)))
    assert done.returncode == 0
    assert "One process of torch in single: no interval can be given" in done.stdout
    assert "No rank" in done.stdout
    assert "0.800" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no-such-run"], "no-such-run does not exist"),
        ([str(FROZEN), "--baseline", "pytorch"], "choose from keras, torch, torch:compile"),
        ([str(FROZEN), "--metric", "speed"], "choose from images_per_s, time_to_target"),
        ([str(FROZEN), str(FROZEN)], "the same run is given twice"),
        ([str(Path(__file__).parent)], "there are no records in"),
        ([str(LADDER), "--metric", "time_to_target"], "no run in ladder has a figure for time_to"),
    ],
)
def test_wrong_calls(refused, arguments, complaint):
    assert complaint in refused("compare", *arguments)


def test_one_framework_alone_is_refused(refused, run):
    complaint = refused("compare", str(run("alone", only("torch"))))
    assert "alone has images_per_s only for torch" in complaint
    assert "second run" in complaint


def test_unlike_machines_are_refused(refused, run):
    def elsewhere(record):
        record["machine"] |= {"fingerprint": "f" * 64, "cpu": "Other\x1b[31m CPU"}
        return record

    complaint = refused("compare", str(FROZEN), str(run("elsewhere", elsewhere)))
    assert "different machines cannot be compared" in complaint
    assert "elsewhere ran on Other CPU, fingerprint ffffffffffff" in complaint
    assert "\x1b" not in complaint


def test_unlike_set_ups_are_refused(refused, run):
    small, large = run("small", only("torch")), run("large", only("torch", batch_size=128))
    complaint = refused("compare", str(small), str(large))
    assert "different set-ups cannot be compared" in complaint
    assert "batch_size 64 and 128" in complaint


def test_of_unlike_settings_those_that_differ_are_told(refused):
    complaint = refused("compare", str(LADDER), str(LADDER.parent / "mnist-avx2"))
    assert "have epochs 5 and 3; target_accuracy None and 0.98; run both" in complaint


def test_runs_without_a_common_framework_are_refused(refused, run):
    complaint = refused("compare", str(run("a", only("torch"))), str(run("b", only("keras"))))
    assert "no framework has images_per_s in the same set-up of both a and b" in complaint


def test_history(bench, run, tmp_path):
    run("first", slower("none", 1.0))
    run("later", slower("torch", 0.8))
    old = tmp_path / "results" / "old" / "records"
    shutil.copytree(FROZEN.parent / "frozen", old)
    done = bench("history", str(tmp_path / "results"), "--framework", "torch", "--json")
    trends = json.loads(done.stdout)["trends"]
    assert {trend["framework"] for trend in trends} == {"torch"}
    points = next(one for one in trends if one["setup"]["batch_size"] == 64)["points"]
    assert [point["run"] for point in points] == ["2025-01-02-mnist", "first", "later"]
    assert [point["in_windows"] for point in points] == [False, True, True]
    assert points[0]["change"] is points[1]["change"] is None
    assert points[2]["change"]["estimate"] == pytest.approx(0.8)
    text = bench("history", str(tmp_path / "results")).stdout
    assert "History never gates" in text
    assert "0.800" in text
    assert text.count("fingerprint") == 3  # two set-ups on one machine, one on another
    each = [str(tmp_path / "results" / name) for name in ("first", "later", "old")]
    assert bench("history", *each).stdout == text


def test_wrong_calls_of_history(refused, tmp_path):
    assert "does not exist" in refused("history", str(tmp_path / "none"))
    assert "no run in" in refused("history", str(tmp_path))
    known = refused("history", str(FROZEN), "--framework", "pytorch")
    assert "choose from keras, torch, torch:compile" in known
