"""Has a framework examined in a process of its own, and keeps the certificate.

A certificate holds as long as nothing changes that could change a result: the machine, the
installed packages, all modules of ours and of the adapter's that an examination runs, the settings
that a worker is given. All of these are in the name of the file that it is kept in.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import site
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from bench import __version__, frameworks
from bench.errors import BenchError
from bench.execution import Executor
from bench.execution.examined_files import examined_files
from bench.frameworks import Framework
from bench.results.certificate import Certificate, Check, Subject
from bench.results.record import CellOutcome
from bench.results.store import write_atomically
from bench.system import environment, machine
from bench.system.import_closure import Find
from bench.worker.messages import CheckMade, Event, Examine, FrameworkAnswered
from bench.workload import caches

TIMEOUT_S = 900.0
OURS = "lenet-bench"  # whose files that matter are hashed one by one
# What of a worker's environment is where things are, and not what is computed.
HARMLESS = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "TEMP",
        "TMP",
        "VIRTUAL_ENV",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        caches.VARIABLE,
        "TORCHINDUCTOR_CACHE_DIR",
        "PYTHONUNBUFFERED",
    ]
)


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What came of an examination: a certificate, or why there is none.

    outcome, reason  why the subject cannot be timed; None where it can
    """

    certificate: Certificate | None
    outcome: CellOutcome | None = None
    reason: str | None = None


def folder() -> Path:
    """Where certificates are kept, among the user's caches."""
    return caches.folder() / "certificates"


def certify(
    subject: Subject,
    log: Path,
    on_check: Callable[[Check], None],
    executor: Executor,
    *,
    fresh: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> VerificationResult:
    """The verdict on a subject: a certificate that is kept still holds, unless `fresh` is asked.

    Only certificates that passed are kept. `on_check` hears every check of a new examination.
    """
    framework = frameworks.named(subject.framework)
    absent = frameworks.missing(framework)
    if absent:
        return VerificationResult(None, "unavailable", absent)
    env = environment.of_worker(subject.threads, os.environ, dict(subject.variables))
    try:
        path = folder() / f"{_key(subject, framework, env)}.json"
    except BenchError as error:  # of this framework: others can be examined all the same
        return VerificationResult(None, "failed", str(error))
    kept = None if fresh else _read(path)
    if kept is not None:
        return VerificationResult(kept)
    verdict = examined(subject, log, on_check, executor, timeout_s)
    if verdict.certificate is not None and verdict.outcome is None:
        # A folder that cannot be written to costs the next run its time, nothing else.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, verdict.certificate.model_dump_json(indent=2))
    return verdict


def examined(
    subject: Subject,
    log: Path,
    on_check: Callable[[Check], None],
    executor: Executor,
    timeout_s: float = TIMEOUT_S,
) -> VerificationResult:
    """The verdict of a new examination, which is kept nowhere."""
    checks: list[Check] = []
    versions: dict[str, str] = {}

    def take(event: Event) -> None:
        if isinstance(event, CheckMade):
            checks.append(event.check)
            on_check(event.check)
        elif isinstance(event, FrameworkAnswered):
            versions.update(event.versions)

    task = Examine(subject=subject)
    end = executor.call(task, log=log, timeout_s=timeout_s, on_event=take).end
    certificate = Certificate(
        subject=subject,
        bench_version=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions,
        checks=tuple(checks),
    )
    if end.outcome == "unavailable":
        return VerificationResult(None, "unavailable", end.reason)
    if end.outcome != "ok":
        during = f"while it was verified, after {len(checks)} checks: "
        return VerificationResult(certificate, end.outcome, f"{during}{end.reason}")
    if not certificate.passed:
        first, *others = certificate.failures
        more = f"; and {len(others)} more" if others else ""
        return VerificationResult(certificate, "not-equivalent", first.describe() + more)
    return VerificationResult(certificate)


def _read(path: Path) -> Certificate | None:
    """A certificate that is kept and passed; what cannot be read counts as none."""
    try:
        kept = Certificate.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
    return kept if kept.passed else None


def _key(subject: Subject, framework: Framework, env: Mapping[str, str]) -> str:
    here = machine.describe()
    parts: dict[str, Any] = {
        "subject": subject.model_dump(mode="json"),
        "machine": (here.fingerprint, here.host),
        "packages": _packages(),
        "startup": _hash_of_startup(),
        "tools": frameworks.locked(framework),
        "sources": _hash_of_sources(framework),
        "environment": {name: value for name, value in env.items() if name not in HARMLESS},
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    name = frameworks.in_file_names(subject.framework)
    return f"{name}-{subject.device}-{subject.model}-{digest[:24]}"


def _hash_of_sources(framework: Framework, find: Find = importlib.util.find_spec) -> str:
    digest = hashlib.sha256()
    for file in examined_files(framework, find):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _packages() -> list[str]:
    """Every installed package with its version and what identifies its files.

    That is the list of them with their hashes that an installer leaves: numpy of one version may be
    built with one BLAS or another. Of a package that is used from the folder where it is developed,
    the version says nothing: names, sizes and times of its files do.
    """
    found = set()
    for package in importlib.metadata.distributions():
        digest = hashlib.sha256((package.read_text("RECORD") or "").encode())
        about = json.loads(package.read_text("direct_url.json") or "{}")
        if about.get("dir_info", {}).get("editable") and package.name != OURS:
            digest.update(_state_of(Path(unquote(urlsplit(about["url"]).path))).encode())
        found.add(f"{package.name}=={package.version} {digest.hexdigest()[:16]}")
    return sorted(found)


def _state_of(folder: Path) -> str:
    """Names, sizes and times of all that can be imported, or is loaded, from a folder."""
    lines = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__pycache__")))
        for name in sorted(names):
            if name.endswith((".py", ".so", ".dylib", ".jl")):
                about = os.lstat(os.path.join(place, name))
                lines.append(f"{place}/{name} {about.st_size} {about.st_mtime_ns}")
    return "\n".join(lines)


def _hash_of_startup() -> str:
    """Of what every interpreter runs when it starts, on a machine's or a person's behalf."""
    specs = (importlib.util.find_spec(name) for name in ("sitecustomize", "usercustomize"))
    files = [Path(spec.origin) for spec in specs if spec and spec.origin]
    for folder in (*site.getsitepackages(), site.getusersitepackages()):
        files += sorted(Path(folder).glob("*.pth"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
