"""What follows from the rounds of a profile."""

from __future__ import annotations

import json

import pytest

from bench.contract import ModelOptions, OptimizerSpec
from bench.results.step_profile import FILE, Profiles, Round, StepProfile, read_profiles
from bench.system import machine
from bench.workload.pieces import pieces

BATCH = 128


def seconds(scale=1.0, **changed):
    """Of LeNet-5: a layer's n-th measurement takes n ms, gather, loss and update 0.5 ms each."""
    found = {"gather": 0.5, "loss": 0.5, "update": 0.5}
    for piece in pieces(profile(()).spec):
        found[f"{piece.name}, forward"] = 1.0
        if not piece.is_first:
            found[f"{piece.name}, inputs"] = 3.0
        if piece.has_parameters:
            found[f"{piece.name}, whole"] = 6.0
    found["step"] = sum(
        value for name, value in found.items() if name.endswith(("whole", "gather", "loss", "e"))
    )
    return {name: scale * value / 1e3 for name, value in (found | changed).items()}


def profile(rounds, **changed):
    return StepProfile(
        framework="torch",
        made_at="2026-01-01T00:00:00+00:00",
        bench_version="1",
        machine=machine.describe(),
        device="cpu",
        threads=2,
        model="lenet5",
        options=ModelOptions(),
        input_shape=(32, 32, 1),
        classes=10,
        optimizer=OptimizerSpec("adam"),
        batch_size=BATCH,
        rounds=tuple(rounds),
        **changed,
    )


def clean(count=8, **changed):
    return [
        Round(seconds=seconds(1 + place / 100, **changed), disturbed=False)
        for place in range(count)
    ]


def test_a_part_is_what_it_adds():
    rows = {(one.layer, one.of): one for one in profile(clean()).rows()}
    median = 1.035
    assert rows["conv1", "forward"].seconds.estimate == pytest.approx(1e-3 * median)
    assert rows["conv1", "parameters"].seconds.estimate == pytest.approx(5e-3 * median)
    assert ("conv1", "inputs") not in rows
    assert rows["conv2", "inputs"].seconds.estimate == pytest.approx(2e-3 * median)
    assert rows["conv2", "parameters"].seconds.estimate == pytest.approx(3e-3 * median)
    assert ("pool1", "parameters") not in rows
    assert rows["pool1", "inputs"].flops == 0
    assert rows[None, "update"].seconds.estimate == pytest.approx(0.5e-3 * median)
    low, high = rows["conv1", "forward"].seconds.low, rows["conv1", "forward"].seconds.high
    assert 1e-3 <= low < 1e-3 * median < high <= 1.07e-3


def test_the_share_that_is_explained_is_that_of_the_same_rounds():
    whole = seconds()["step"]
    pools = 2 * 3e-3  # which have no whole, and so are not in that sum
    explained = profile(clean()).explained
    assert explained.estimate == pytest.approx((whole + pools) / whole)
    assert explained.low == pytest.approx(explained.high)


def test_a_rate_counts_the_batch_and_is_left_out_where_seconds_are_rough():
    part = next(one for one in profile(clean()).rows() if one.flops)
    assert part.gflop_per_s(BATCH) == pytest.approx(
        part.flops * BATCH / part.seconds.estimate / 1e9
    )
    rough = [
        Round(seconds=seconds() | {"conv1, forward": 1e-3 * place}, disturbed=False)
        for place in range(1, 9)
    ]
    (part,) = [o for o in profile(rough).rows() if (o.layer, o.of) == ("conv1", "forward")]
    assert part.gflop_per_s(BATCH) is None


def test_disturbed_rounds_do_not_count():
    disturbed = [Round(seconds=seconds(100.0), disturbed=True)] * 4
    found = profile([*disturbed, *clean()])
    assert found.step_s == pytest.approx(1.035 * seconds()["step"])
    assert not found.is_disturbed


def test_too_few_clean_rounds_tell_nothing():
    disturbed = [Round(seconds=seconds(), disturbed=True)] * 4
    found = profile([*disturbed, *clean(5)])
    assert found.is_disturbed
    assert found.rows() == []
    assert found.explained is None


def test_where_nobody_watches_all_rounds_count():
    unknown = [Round(seconds=seconds(), disturbed=None)] * 6
    assert len(profile(unknown).clean) == 6
    assert profile(unknown).rows()


def test_without_rounds_there_is_nothing():
    found = profile((), reason="unavailable: not here")
    assert (found.rows(), found.step_s, found.explained) == ([], None, None)


def test_profiles_are_found_below_a_folder_and_what_cannot_be_read_is_told(tmp_path):
    kept = Profiles(command=("profile",), profiles=(profile(clean()),))
    later = json.loads(kept.model_dump_json()) | {"schema_version": 2}
    torn = json.loads(kept.model_dump_json())
    del torn["profiles"][0]["rounds"][3]["seconds"]["conv2, inputs"]
    contents = {
        "a": kept.model_dump_json(),
        "b": "{",
        "c": json.dumps(later),
        "d": json.dumps(torn),
    }
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(content)
    (tmp_path / "records").mkdir()
    found, problems = read_profiles([tmp_path])
    assert found == [kept]
    assert [path.parent.name for path, _ in problems] == ["b", "c", "d"]
    assert "schema_version is 2, and this program reads 1" in problems[1][1]
    assert "round 4 lacks the seconds of 'conv2, inputs'" in problems[2][1]
    assert read_profiles([tmp_path / "a", tmp_path / "a" / FILE])[0] == [kept]
    assert read_profiles([tmp_path / "records"]) == ([], [])
