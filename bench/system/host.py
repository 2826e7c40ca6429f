"""Which host this is, without telling its name: two equal machines are two hosts."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

SALT = "lenet-bench host 1"  # another program's hash of the same identity is another
DIGITS = 12
# Of the installation, once for all its life; see machine-id(5).
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
# Of the kernel that runs, anew with each start of it; see random(4).
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
IN_CONTAINERS = ("container", "KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER")


def identity(environ: Mapping[str, str] = os.environ) -> str | None:
    """A hash that is the same on the same host alone; None where the system does not tell.

    In a container the installation is an image, which many hosts may run: there it is the start of
    the host's kernel that tells one host from another, and a host that starts again is taken for
    another one.
    """
    sources = [BOOT_ID] if _is_container(environ) else [*MACHINE_IDS, BOOT_ID]
    found = next(filter(None, map(_read, sources)), None) or _of_apple()
    return hashlib.sha256(f"{SALT} {found}".encode()).hexdigest()[:DIGITS] if found else None


def _is_container(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in IN_CONTAINERS) or any(
        path.exists() for path in CONTAINERS
    )


def _read(path: Path) -> str | None:
    """What the file says, where it is an identity; systemd writes `uninitialized` before it is."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch(r"[0-9a-f-]{32,36}", text) else None


def _of_apple() -> str | None:
    if platform.system() != "Darwin":
        return None
    from bench.system.machine import output

    told = output("ioreg", "-rd1", "-c", "IOPlatformExpertDevice") or ""
    found = re.search(r'"IOPlatformUUID" = "([0-9A-F-]+)"', told)
    return found[1] if found else None
