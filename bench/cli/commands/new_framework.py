"""`bench new-framework`: an adapter to begin with, in this checkout or as a package of its own."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shlex
import tempfile
from importlib import resources
from pathlib import Path
from string import Template

from bench import frameworks
from bench.errors import UsageError
from bench.frameworks.registry import NAME, PACKAGE

SKELETON = resources.files("bench.frameworks") / "skeleton"
NEXT = (
    "python -m bench verify --frameworks {name} --optimizers sgd:momentum=0.9",
    "python -m bench run --frameworks {name},torch --dataset digits --optimizer sgd",
)


def new_framework(name: str, title: str | None, package: Path | None) -> int:
    """Write the files, all or none, and print what to type next."""
    module = _module(name)
    title = title or name
    if '"' in title or "\\" in title or not title.isprintable():
        raise UsageError(f'--title {title!r} is not possible: give one without ", \\ or line ends')
    words = {
        "name": name,
        "title": title,
        "distribution": name.replace("_", "-").lower(),
        "class_name": "".join(part.capitalize() for part in re.split(r"[-_]", name)) + "Adapter",
    }
    if package is None:
        folder = _implementations() / module
        words["module"] = f"{PACKAGE}.{module}"
        inside = Path()
    else:
        # Not the framework's own name, which may be that of the module that it is imported by.
        words["module"] = f"lenet_bench_{module}"
        folder, inside = package.expanduser(), Path(words["module"])
    files = {
        inside / "__init__.py": f'"""{title} for lenet-bench."""\n',
        inside / "framework.py": _filled("framework.py", words),
        inside / "adapter.py": _filled("adapter.py", words),
    }
    if package is not None:
        files[Path("pyproject.toml")] = _filled("pyproject.toml", words)
    _write(folder, files)
    for file in files:
        print(f"wrote {folder / file}")
    print("\nIt is LeNet-5 in NumPy, and passes as it is. Replace its parts by the framework's:\n")
    install = () if package is None else (f"python -m pip install -e {shlex.quote(str(folder))}",)
    for command in (*install, *(each.format(name=name) for each in NEXT)):
        print(f"    {command}")
    if package is None:
        print(
            f"\nThen an extra of this name in pyproject.toml, its packages in constraints.in, and "
            f"a bare loop in tests/benchmarks/bare_{module}.py."
        )
    return 0


def _module(name: str) -> str:
    """The name of its Python package; UsageError where a framework cannot be called so."""
    module = name.replace("-", "_").lower()
    if not NAME.fullmatch(name) or not module.isidentifier() or keyword.iskeyword(module):
        reserved = " (a word of Python's own)" if keyword.iskeyword(module) else ""
        raise UsageError(
            f"{name!r} is no name for a framework{reserved}: give a letter, then letters, digits, "
            "- and _, such as my-framework"
        )
    known = {one.lower() for one in frameworks.catalogue()}
    if name.lower() in known:
        raise UsageError(f"there is a framework {name!r} already: take another name")
    return module


def _implementations() -> Path:
    """The folder of this checkout's frameworks; UsageError where this is no checkout."""
    found = importlib.util.find_spec(PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    for place in map(Path, places):
        if (place.parent / "pyproject.toml").is_file() and (place.parent / "tests").is_dir():
            return place
    raise UsageError(
        "lenet-bench is installed here and no checkout, so there is no folder for a framework: "
        "give --package FOLDER, where a package of its own is to be made"
    )


def _filled(file: str, words: dict[str, str]) -> str:
    return Template((SKELETON / f"{file}.txt").read_text(encoding="utf-8")).substitute(words)


def _write(folder: Path, files: dict[Path, str]) -> None:
    """All of them or none: they are made beside the folder, which then gets its name."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"{folder} is there already and not empty: nothing was written")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as kept:
        made = Path(kept) / folder.name
        for file, text in files.items():
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            (made / file).write_text(text, encoding="utf-8")
        made.rename(folder)
