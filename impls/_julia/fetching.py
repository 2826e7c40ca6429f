"""Has juliapkg fetch Julia and its packages, and Julia load those for a GPU once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError

# What training loads, so that it is compiled, and NVIDIA's libraries for this driver are fetched:
# Julia does that when they are first asked for.
START = """
append!(LOAD_PATH, ARGS[1:end-1])
const package = Symbol(ARGS[end])
@eval import $package
println(stderr, @eval $package.described())
"""
OFFLINE = "PYTHON_JULIAPKG_OFFLINE"


def fetch() -> None:
    """What the files named `juliapkg.json` ask for, if it is not here already."""
    import juliapkg

    juliapkg.resolve()


def fetch_with(
    packages: Mapping[str, tuple[str, str]], still_absent: Callable[[], str | None]
) -> None:
    """The same with more packages: uuid and version by name, of this environment from now on.

    What was there stays as it was where that fails, or is interrupted. BenchError where juliapkg
    is content and `still_absent` is not: without the network it only takes note.
    """
    import juliapkg

    with _as_it_was(Path(juliapkg.project()) if juliapkg.resolve(dry_run=True) else None):
        for name, (uuid, version) in packages.items():
            juliapkg.add(name, uuid, version=version)
        try:
            juliapkg.resolve()
            if reason := still_absent():
                offline = os.environ.get(OFFLINE) == "yes"
                raise BenchError(f"{OFFLINE}=yes lets nothing be fetched" if offline else reason)
        except BaseException:
            juliapkg.rm([*packages])
            raise


@contextmanager
def _as_it_was(project: Path | None) -> Iterator[None]:
    """On an error its files are as they were: juliapkg removes the manifest before it fetches."""
    files = [*project.glob("*.toml"), *project.glob("pyjuliapkg/*.json")] if project else []
    before = {file: file.read_bytes() for file in files}
    try:
        yield
    except BaseException:
        for file, content in before.items():
            file.write_bytes(content)
        raise


def start(
    executable: str | None,
    project: Path | None,
    folders: Sequence[Path],
    package: str,
    settings: Mapping[str, str],
) -> bool:
    """Load a package of one of the folders, in a Julia of its own that prints what it does.

    `executable` is a Julia that a person named, else juliapkg's. Returns whether that went well.
    """
    if executable is None:
        import juliapkg

        executable = str(juliapkg.executable())
    command = [executable, f"--project={project}", "--startup-file=no", "-e", START]
    given = [*(str(folder) for folder in folders), package]
    done = subprocess.run([*command, *given], env={**os.environ, **settings}, check=False)
    return done.returncode == 0
