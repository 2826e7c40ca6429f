"""What around a cell is worth a warning."""

from __future__ import annotations

import pytest

from bench.results.record import SystemState
from bench.system import conditions

QUIET = SystemState(
    cpu_busy_s=100.0, cpu_stolen_s=1.0, quota_throttled_s=2.0, thermal_throttles=3,
    governor="performance", on_battery=False,
)  # fmt: skip


def warned(after=None, before=None, **figures) -> list[str]:
    known = {"wall_s": 10.0, "cpus": 2, "threads": 2, "other_busy_cpus": 0.1}
    known |= {"busy_threads": 1.9, "steady": True}
    first = QUIET.model_copy(update=before or {})
    return conditions.warnings(first, QUIET.model_copy(update=after or {}), **known | figures)


def test_a_quiet_machine_gives_none():
    assert warned() == []
    assert warned(other_busy_cpus=None, busy_threads=None, steady=None) == []


@pytest.mark.parametrize(
    ("after", "part"),
    [
        ({"cpu_stolen_s": 2.0}, "other virtual machines took 5% of the CPUs' time: use a host"),
        ({"quota_throttled_s": 4.0}, "quota held processes back for 20% of the time: take fewer"),
        ({"thermal_throttles": 8}, "slowed down for its heat, 5 times: cool it"),
        ({"on_battery": True}, "runs on its battery, which may slow it down: plug it in"),
        ({"gpu_throttle": "sw_power_cap"}, "the GPU's clock was held back: sw_power_cap; cool"),
    ],
)
def test_what_the_machine_did(after, part):
    (warning,) = warned(after)
    assert part in warning


def test_a_governor_that_saves_power():
    (warning,) = warned({"governor": "powersave"}, {"governor": "powersave"})
    assert "cpupower frequency-set -g performance" in warning


@pytest.mark.parametrize(
    ("figures", "part"),
    [
        ({"other_busy_cpus": 1.25}, "other programs kept 1.2 CPUs busy meanwhile: end them"),
        ({"busy_threads": 2.2}, "kept 2.2 threads busy where 2 were allowed"),
        ({"steady": False}, "no steady state"),
    ],
)
def test_what_was_measured(figures, part):
    (warning,) = warned(**figures)
    assert part in warning


def test_little_is_no_warning():
    after = {"cpu_stolen_s": 1.2, "quota_throttled_s": 2.05}
    assert warned(after, other_busy_cpus=0.29, busy_threads=2.09) == []


def test_work_of_others():
    after = QUIET.model_copy(update={"cpu_busy_s": 130.0})
    assert conditions.others_busy(QUIET, after, own_s=18.0, wall_s=10.0) == pytest.approx(1.2)
    assert conditions.others_busy(QUIET, after, own_s=31.0, wall_s=10.0) == 0.0
    unknown = QUIET.model_copy(update={"cpu_busy_s": None})
    assert conditions.others_busy(unknown, after, own_s=1.0, wall_s=10.0) is None


def test_this_machine_tells_its_state():
    first, then = conditions.now(), conditions.now()
    assert first.cpu_busy_s is not None
    assert then.cpu_busy_s >= first.cpu_busy_s
    assert first.available_memory_bytes > 0
    assert first.load_1min >= 0
