"""Which Julia Flux runs in: found without starting it, and fetched only when that is asked for.

Either a person names a Julia and a project that has Flux, in PYTHON_JULIACALL_EXE and
PYTHON_JULIACALL_PROJECT; or juliapkg, which comes with juliacall, finds or fetches both by the
bounds in `impls/juliapkg.json` and remembers them.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.contract import Device
from bench.errors import BenchError
from impls.flux import cuda, fetching

EXE, PROJECT = "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT"
FLUX = "0.16"
HELP = "python -m bench setup flux"
EXPECTED = (
    "Julia, where none of the right version is found, and Flux with some 80 packages: a few "
    "hundred MB to fetch, 1 to 2 GB on the disk, 5 to 15 minutes, most of them for compiling"
)


class JuliaToolchain:
    """See `bench.frameworks.Toolchain`."""

    def missing(self) -> str | None:
        """Why Julia cannot be started here as it is; fetches and starts nothing."""
        named = {name: os.environ.get(name) for name in (EXE, PROJECT)}
        if all(named.values()):
            return _complaint_of(str(named[EXE]), Path(str(named[PROJECT])))
        if any(named.values()):
            given, absent = sorted(named, key=lambda name: not named[name])
            return f"{given} is set and {absent} is not: set both, or neither"
        return None if _resolved() else f"no Julia with Flux is set up here: {HELP}"

    def version(self) -> str | None:
        """Flux' version in the manifest of the project that is used."""
        found = [_versions(manifest).get("Flux") for manifest in _manifests(_project())]
        return next((version for version in found if version), None)

    def gpu_missing(self) -> str | None:
        """Why Flux cannot compute on a GPU here, or None; loads and fetches nothing."""
        versions = [_versions(manifest) for manifest in _manifests(_project())]
        return cuda.absent(versions) or cuda.driver_complaint()

    def locked(self) -> str:
        """A hash of all files that say which code Julia runs.

        The program that was named; the manifests of the project, which name every version; its
        preferences, which packages are compiled with; and what replaces libraries of theirs:
        https://pkgdocs.julialang.org/v1/artifacts/#Overriding-artifact-locations
        """
        digest = hashlib.sha256()
        for file in _deciding(_project()):
            digest.update(file.read_bytes())
        if program := shutil.which(os.environ.get(EXE, "")):
            about = Path(program).resolve()
            digest.update(f"{about} {about.stat().st_size} {about.stat().st_mtime_ns}".encode())
        return digest.hexdigest()

    def expected(self, devices: Sequence[Device] = ("cpu",)) -> str | None:
        """What `setup` will do and how long it takes; None where all is there."""
        if os.environ.get(EXE):
            return None
        told = [EXPECTED] if self.missing() else []
        if "gpu" in devices and self._cuda_absent():
            told.append(cuda.EXPECTED)
        return "; and ".join(told) or None

    def setup(self, devices: Sequence[Device] = ("cpu",)) -> None:
        """Find or fetch Julia and the packages; juliapkg and Julia print what they do.

        For a GPU CUDA.jl is started once, since it fetches NVIDIA's libraries for the driver then.

        Raises:
            BenchError: no network, no room, no driver, or what was named cannot be used.
        """
        with_gpu = "gpu" in devices
        if with_gpu and (complaint := cuda.driver_complaint()):
            # Without one CUDA.jl would choose no libraries, and would have to be set up again.
            raise BenchError(f"nothing was fetched: {complaint}")
        if not (os.environ.get(EXE) or os.environ.get(PROJECT)):
            try:
                if with_gpu and self._cuda_absent():
                    fetching.fetch_with(cuda.PACKAGES, self._cuda_absent)
                else:
                    fetching.fetch()
            except BenchError:
                raise
            except Exception as error:  # juliapkg raises plain exceptions, and urllib's
                what = "CUDA.jl" if with_gpu and not self.missing() else "Julia and Flux"
                raise BenchError(
                    f"{what} could not be fetched: {error or type(error).__name__}; it "
                    f"needs the network and room on the disk, and can be begun again. Or name a "
                    f"Julia that is here: {EXE} and, with Flux {FLUX}, {PROJECT}"
                ) from error
        reason = self.missing() or (self._cuda_absent() if with_gpu else None)
        if reason:
            raise BenchError(reason)
        if with_gpu:
            fetching.start(os.environ.get(EXE), _project(), cuda.PACKAGE)

    def _cuda_absent(self) -> str | None:
        named = os.environ.get(PROJECT)
        reason = cuda.absent(_versions(manifest) for manifest in _manifests(_project()))
        if reason and named:
            wanted = " and ".join(f"{name} {bound}" for name, (_, bound) in cuda.PACKAGES.items())
            return f"{PROJECT}={named} lacks packages for a GPU: Pkg.add {wanted} there"
        return reason


JULIA = JuliaToolchain()


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
        **cuda.FLOAT32,
    }


def _complaint_of(exe: str, project: Path) -> str | None:
    """What is wrong with a Julia and a project that a person named."""
    if shutil.which(exe) is None:
        return f"{EXE}={exe} is not a program: name a Julia executable, or unset it: {HELP}"
    manifests = _manifests(project)
    if not manifests:
        return f"{PROJECT}={project} has no Manifest.toml: instantiate it, or unset it: {HELP}"
    versions = [_versions(manifest) for manifest in manifests]
    fluxes = [found.get("Flux") for found in versions]
    if not any(version and version.startswith(f"{FLUX}.") for version in fluxes):
        found = ", ".join(str(version) for version in fluxes if version) or "no Flux"
        return f"{PROJECT}={project} has {found}, Flux {FLUX} is needed: Pkg.add it there"
    python_calls = {found.get("PythonCall") for found in versions} - {None}
    own = importlib.metadata.version("juliacall")
    if own not in python_calls:
        there = ", ".join(map(str, python_calls)) or "none"
        return (
            f"juliacall is {own} and PythonCall in {PROJECT}={project} is {there}: they must be "
            "of one version; pip install the one or Pkg.add the other"
        )
    return None


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


def _project() -> Path | None:
    if os.environ.get(PROJECT):
        return Path(os.environ[PROJECT])
    if not _resolved():
        return None
    import juliapkg

    return Path(juliapkg.project())
