"""Counters of energy, read from a folder like the kernel's."""

from __future__ import annotations

import pytest

from bench.system import energy


@pytest.fixture
def powercap(tmp_path):
    def zone(name, label, energy_uj, range_uj=1_000_000):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(f"{label}\n")
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
        return folder

    return zone


def test_packages_are_summed_and_their_parts_are_not(tmp_path, powercap):
    powercap("intel-rapl:0", "package-0", 500_000)
    powercap("intel-rapl:0:0", "core", 400_000)
    powercap("intel-rapl:1", "package-1", 250_000)
    powercap("intel-rapl:2", "psys", 9_000_000)
    counter = energy.counter("cpu", tmp_path)
    assert counter.name == "rapl"
    assert counter.read() == pytest.approx(0.75)


def test_a_counter_that_begins_anew_goes_on(tmp_path, powercap):
    powercap("intel-rapl:0", "package-0", 900_000)
    counter = energy.counter("cpu", tmp_path)
    assert counter.read() == pytest.approx(0.9)
    powercap("intel-rapl:0", "package-0", 100_000)
    assert counter.read() == pytest.approx(1.1)


def test_none_where_nothing_can_be_read(tmp_path, powercap):
    assert energy.counter("cpu", tmp_path) is None
    folder = powercap("intel-rapl:0", "package-0", 1)
    (folder / "energy_uj").unlink()
    assert energy.counter("cpu", tmp_path) is None


def test_a_counter_that_is_lost_is_unknown_and_not_zero(tmp_path, powercap):
    folder = powercap("intel-rapl:0", "package-0", 1)
    counter = energy.counter("cpu", tmp_path)
    (folder / "energy_uj").write_text("")
    assert counter.read() is None


def test_no_gpu_no_counter():
    from bench.system import machine

    if machine.has_gpu():
        pytest.skip("this machine has a GPU")
    assert energy.counter("gpu") is None
