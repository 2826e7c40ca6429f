"""What is read of the CPU: its instruction sets, on systems that tell them in their own ways."""

from __future__ import annotations

import pytest

from bench.system import machine


@pytest.fixture(autouse=True)
def forgotten():
    """What was found of this machine, which is looked for once."""
    machine.instruction_sets.cache_clear()
    yield
    machine.instruction_sets.cache_clear()


def found(
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    linux: str | None = None,
    apple: str | None = None,
) -> tuple[str, ...]:
    monkeypatch.setattr(machine.platform, "machine", lambda: architecture)
    monkeypatch.setattr(machine, "_cpu_info", lambda *keys: linux)
    monkeypatch.setattr(machine, "output", lambda *command: apple)
    return machine.instruction_sets()


@pytest.mark.parametrize(
    ("architecture", "linux", "expected"),
    [
        ("x86_64", "fpu sse4_2 avx f16c fma avx2 sha_ni", ("avx", "fma", "avx2")),
        (
            "x86_64",
            "avx avx2 fma avx_vnni avx512f avx512_vnni avx512_bf16 amx_tile amx_int8",
            ("avx", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"),
        ),
        ("x86_64", "fpu vme sse2", ()),
        (
            "aarch64",
            "fp asimd sve sve2 bf16 i8mm sme",
            ("neon", "sve", "sve2", "bf16", "i8mm", "sme"),
        ),
        ("aarch64", "fp", ("neon",)),
    ],
)
def test_linux(monkeypatch, architecture, linux, expected) -> None:
    assert found(monkeypatch, architecture, linux) == expected


def test_apple(monkeypatch) -> None:
    told = "FPU SSE4.2 AVX1.0 FMA\nAVX2 AVX512F"
    assert found(monkeypatch, "x86_64", None, told) == ("avx", "fma", "avx2", "avx512f")
    machine.instruction_sets.cache_clear()
    assert found(monkeypatch, "arm64") == ("neon",)


def test_a_system_that_does_not_tell(monkeypatch) -> None:
    assert found(monkeypatch, "riscv64") == ()


def test_this_machine_says_them_in_its_record() -> None:
    assert machine.describe().instruction_sets == machine.instruction_sets()


def test_what_differs_between_two_machines():
    here = machine.describe().model_copy(update={"host": "a", "cpu_quota": None, "usable_cpus": 2})

    def other(**changed):
        return machine.differences(here, here.model_copy(update=changed))

    assert other() == other(fingerprint="0") == other(host=None) == []
    assert other(usable_cpus=1) == ["usable CPUs 2 → 1"]
    assert other(cpu_quota=1.5) == ["CPU quota none → 1.5"]
    assert other(gpu="A", host="b") == [f"GPU {here.gpu or 'none'} → A", "another host"]
    assert other(host="b") == ["another host, otherwise equal"]
