"""Which Julia a framework runs in: found without starting it, fetched only when that is asked for.

Either a person names a Julia and a project that has the framework, in PYTHON_JULIACALL_EXE and
PYTHON_JULIACALL_PROJECT; or juliapkg, which comes with juliacall, finds or fetches both by the
bounds in `impls/juliapkg.json` and remembers them. What is not in that file is added to that
environment by `python -m bench setup NAME`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contract import Device
from bench.errors import BenchError
from impls._julia import fetching

EXE, PROJECT = "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT"
SHARED = Path(__file__).parent  # the folder of the packages that those of the frameworks use
# cuDNN takes TF32 in all of CUDA.jl's modes; NVIDIA's libraries read this when they are loaded.
FLOAT32 = {"NVIDIA_TF32_OVERRIDE": "0"}

Packages = Mapping[str, tuple[str, str]]  # name → uuid, bound as juliapkg and Julia's Pkg read it


@dataclass(frozen=True)
class JuliaToolchain:
    """See `bench.frameworks.Toolchain`.

    framework   its name in the harness
    package     that of its package of Julia's
    bound       the versions of it that are meant, such as 0.16
    size        what setting it up takes, in words
    added       the packages that are wanted beside those of `impls/juliapkg.json`
    """

    framework: str
    package: str
    bound: str
    size: str
    added: Packages = field(default_factory=dict)

    @property
    def help(self) -> str:
        """The command that sets it up."""
        return f"python -m bench setup {self.framework}"

    def missing(self) -> str | None:
        """Why Julia cannot be started here as it is; fetches and starts nothing."""
        named = {name: os.environ.get(name) for name in (EXE, PROJECT)}
        if all(named.values()):
            return self._complaint_of(str(named[EXE]), Path(str(named[PROJECT])))
        if any(named.values()):
            given, absent = sorted(named, key=lambda name: not named[name])
            return f"{given} is set and {absent} is not: set both, or neither"
        if not _resolved() or (self.added and absent_of(self.added, versions_here())):
            return f"no Julia with {self.package} is set up here: {self.help}"
        return None

    def version(self) -> str | None:
        """The package's version in the manifest of the project that is used."""
        found = (versions.get(self.package) for versions in versions_here())
        return next((version for version in found if version), None)

    def gpu_missing(self) -> str | None:
        """Why the framework cannot compute on a GPU here, or None; loads and fetches nothing."""
        return f"{self.package} computes on the CPU only here: take --devices cpu"

    def locked(self) -> str:
        """A hash of all files that say which code Julia runs.

        The program that was named; the manifests of the project, which name every version; its
        preferences, which packages are compiled with; and what replaces libraries of theirs:
        https://pkgdocs.julialang.org/v1/artifacts/#Overriding-artifact-locations
        """
        digest = hashlib.sha256()
        for file in _deciding(project_here()):
            digest.update(file.read_bytes())
        if program := shutil.which(os.environ.get(EXE, "")):
            about = Path(program).resolve()
            digest.update(f"{about} {about.stat().st_size} {about.stat().st_mtime_ns}".encode())
        return digest.hexdigest()

    def expected(self, devices: Sequence[Device] = ("cpu",)) -> str | None:
        """What `setup` will do and how long it takes; None where all is there."""
        if os.environ.get(EXE):
            return None
        told = [self.size] if self.missing() else []
        return "; and ".join([*told, *self._more_expected(devices)]) or None

    def setup(self, devices: Sequence[Device] = ("cpu",)) -> None:
        """Find or fetch Julia and the packages; juliapkg and Julia print what they do.

        Raises:
            BenchError: no network, no room, or what was named cannot be used.
        """
        if not (os.environ.get(EXE) or os.environ.get(PROJECT)):
            more = self._wanted(devices)
            try:
                if more and absent_of(more, versions_here()):
                    fetching.fetch_with(more, lambda: self._absent(more))
                else:
                    fetching.fetch()
            except BenchError:
                raise
            except Exception as error:  # juliapkg raises plain exceptions, and urllib's
                raise BenchError(
                    f"{self._fetched(devices)} could not be fetched: "
                    f"{error or type(error).__name__}; it "
                    f"needs the network and room on the disk, and can be begun again. Or name a "
                    f"Julia that is here: {EXE} and, with {self.package} {self.bound}, {PROJECT}"
                ) from error
        if reason := self.missing() or self._absent(self._wanted(devices)):
            raise BenchError(reason)

    def _wanted(self, devices: Sequence[Device]) -> Packages:
        """The packages beside those of `impls/juliapkg.json`."""
        return self.added

    def _more_expected(self, devices: Sequence[Device]) -> Iterable[str]:
        """What else `setup` will do."""
        return ()

    def _fetched(self, devices: Sequence[Device]) -> str:
        """What `setup` fetches, in words."""
        return f"Julia and {self.package}"

    def _absent(self, packages: Packages) -> str | None:
        """Which of these the Julia project has not, and what to do."""
        wrong = absent_of(packages, versions_here())
        if not wrong:
            return None
        if named := os.environ.get(PROJECT):
            wanted = " and ".join(f"{name} {bound}" for name, (_, bound) in packages.items())
            return f"{PROJECT}={named} lacks packages: Pkg.add {wanted} there"
        return f"the Julia project has no {wrong}: {self.help}"

    def _complaint_of(self, exe: str, project: Path) -> str | None:
        """What is wrong with a Julia and a project that a person named."""
        if shutil.which(exe) is None:
            return (
                f"{EXE}={exe} is not a program: name a Julia executable, or unset it: {self.help}"
            )
        found = [_versions(manifest) for manifest in _manifests(project)]
        if not found:
            return (
                f"{PROJECT}={project} has no Manifest.toml: instantiate it, or unset it: "
                f"{self.help}"
            )
        own = [versions.get(self.package) for versions in found]
        if not any(fits(version, self.bound) for version in own):
            there = ", ".join(str(version) for version in own if version) or f"no {self.package}"
            return (
                f"{PROJECT}={project} has {there}, {self.package} {self.bound} is needed: "
                "Pkg.add it there"
            )
        python_calls = {versions.get("PythonCall") for versions in found} - {None}
        juliacall = importlib.metadata.version("juliacall")
        if juliacall not in python_calls:
            call = ", ".join(map(str, python_calls)) or "none"
            return (
                f"juliacall is {juliacall} and PythonCall in {PROJECT}={project} is {call}: they "
                "must be of one version; pip install the one or Pkg.add the other"
            )
        return None


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What juliacall is to be told by its environment variables, before it is imported.

    Without PYTHON_JULIACALL_THREADS Julia has a thread for each CPU; the adapter uses fewer.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "PYTHON_JULIACALL_THREADS": environment.get("PYTHON_JULIACALL_THREADS") or str(usable or 1),
        "PYTHON_JULIACALL_HANDLE_SIGNALS": "yes",
        "PYTHON_JULIACALL_STARTUP_FILE": "no",
        "PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION": "no",
        "PYTHON_JULIAPKG_OFFLINE": "yes",  # what is not here is not fetched behind one's back
        **FLOAT32,
    }


def absent_of(packages: Packages, here: Iterable[Mapping[str, str]]) -> str | None:
    """Which packages are in no manifest in a version that fits, in words."""
    found = {name: version for manifest in here for name, version in manifest.items()}
    wrong = [
        f"{name} {bound} ({found[name]} is there)" if name in found else f"{name} {bound}"
        for name, (_, bound) in packages.items()
        if not fits(found.get(name), bound)
    ]
    return " and no ".join(wrong) or None


def fits(version: str | None, bound: str) -> bool:
    """Whether a version is at least the bound and of its first number that is not 0, as for Pkg."""
    if version is None:
        return False
    given, least = ([int(part) for part in text.split(".")[:2]] for text in (version, bound))
    same = 1 if least[0] else 2
    return given[:same] == least[:same] and given >= least


def versions_here() -> list[dict[str, str]]:
    """Each package's version, of each manifest of the project that is used."""
    return [_versions(manifest) for manifest in _manifests(project_here())]


def _versions(manifest: Path) -> dict[str, str]:
    """Each package's version, as Julia's manifests of format 2 have them."""
    with manifest.open("rb") as file:
        packages = tomllib.load(file).get("deps", {})
    return {name: found["version"] for name, (found, *_) in packages.items() if "version" in found}


def _manifests(project: Path | None) -> list[Path]:
    """Of any Julia: Manifest.toml, JuliaManifest.toml, Manifest-v1.11.toml."""
    return sorted(project.glob("*Manifest*.toml")) if project else []


def _deciding(project: Path | None) -> list[Path]:
    """The files of a project and of the folders for packages that decide what Julia runs.

    Of those in a load path that a person has set, too.
    """
    given = os.environ.get("JULIA_LOAD_PATH", "").split(os.pathsep)
    projects = [*([project] if project else []), *(Path(one) for one in given if "/" in one)]
    depots = os.environ.get("JULIA_DEPOT_PATH", "").split(os.pathsep)
    overrides = [
        Path(depot).expanduser() / "artifacts/Overrides.toml"
        for depot in dict.fromkeys((*filter(None, depots), "~/.julia"))
    ]
    return [
        *(file for folder in projects for file in sorted(folder.glob("*.toml"))),
        *(file for file in overrides if file.is_file()),
    ]


def _resolved() -> bool:
    """Whether juliapkg has all that it needs on this disk; it looks, and does nothing else."""
    try:
        import juliapkg
    except ImportError:
        return False
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(OSError):
        return bool(juliapkg.resolve(dry_run=True))
    return False


def project_here() -> Path | None:
    """The folder of the project that is used, or None."""
    if os.environ.get(PROJECT):
        return Path(os.environ[PROJECT])
    if not _resolved():
        return None
    import juliapkg

    return Path(juliapkg.project())
