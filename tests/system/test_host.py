"""Which host this is: the same for ever on one, another on each other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.system import host

ONE, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
BOOT = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system that tells nothing, in a folder of its own."""
    monkeypatch.setattr(host, "MACHINE_IDS", (tmp_path / "machine-id", tmp_path / "dbus"))
    monkeypatch.setattr(host, "BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(host, "CONTAINERS", (tmp_path / ".dockerenv",))
    monkeypatch.setattr(host.platform, "system", lambda: "Linux")
    return tmp_path


def test_an_installation_is_one_host(places: Path) -> None:
    (places / "boot_id").write_text(BOOT)
    (places / "machine-id").write_text(f"{ONE}\n")
    one = host.identity({})
    assert one == hashlib.sha256(f"lenet-bench host 1 {ONE}".encode()).hexdigest()[:12]
    (places / "boot_id").write_text(BOOT.replace("0", "1"))
    assert host.identity({}) == one
    (places / "machine-id").write_text(OTHER)
    assert host.identity({}) not in (one, None)


def test_the_second_place_and_then_the_start_of_the_kernel(places: Path) -> None:
    (places / "boot_id").write_text(f"{BOOT}\n")
    by_boot = host.identity({})
    assert by_boot is not None
    (places / "dbus").write_text(ONE)
    by_dbus = host.identity({})
    for nothing in ("uninitialized\n", "", "\u00e4" * 32):
        (places / "machine-id").write_text(nothing)
        assert host.identity({}) == by_dbus != by_boot
    (places / "dbus").unlink()
    assert host.identity({}) == by_boot


@pytest.mark.parametrize("by", ["file", *host.IN_CONTAINERS])
def test_an_image_runs_on_many_hosts(places: Path, by: str) -> None:
    (places / "machine-id").write_text(ONE)
    (places / "boot_id").write_text(BOOT)
    outside = host.identity({})
    if by == "file":
        (places / ".dockerenv").touch()
    environ = {} if by == "file" else {by: "1"}
    inside = host.identity(environ)
    assert inside not in (outside, None)
    (places / "boot_id").write_text(BOOT.replace("0", "1"))
    assert host.identity(environ) not in (inside, outside, None)


def test_a_system_that_does_not_tell() -> None:
    assert host.identity({}) is None


def test_apple(monkeypatch: pytest.MonkeyPatch) -> None:
    told = 'x "IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"'
    monkeypatch.setattr(host.platform, "system", lambda: "Darwin")
    monkeypatch.setattr("bench.system.machine.output", lambda *command: told)
    assert host.identity({}) is not None
    monkeypatch.setattr("bench.system.machine.output", lambda *command: None)
    assert host.identity({}) is None
