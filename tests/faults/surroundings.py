"""Environments that lack something, or hold what no one expects."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.campaign import Kind
from tests.faults.scene import Scene

LOCALES = (
    {},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "xx_XX.nonsense"},
    {"LANG": ""},
    {"LC_CTYPE": "\x1b[31m"},
    {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0"},
)
VARIABLES = (
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONWARNINGS": "error"},
    {"PYTHONDEVMODE": "1"},
    {"PYTHONHASHSEED": "12345"},
    {"PYTHONMALLOC": "debug"},
    {"PYTHONUNBUFFERED": "1"},
    {"PYTHONSAFEPATH": "1"},
    {"TERM": "nonsense"},
    {"TERM": "dumb", "COLUMNS": "0"},
    {"COLUMNS": "-5", "LINES": "x"},
    {"COLUMNS": "1"},
    {"COLUMNS": "99999999999999999999"},
    {"FORCE_COLOR": "1", "NO_COLOR": "1"},
    {"TZ": "Nowhere/Nothing"},
    {"TZ": ":/dev/null"},
    {"OMP_NUM_THREADS": "many"},
    {"OPENBLAS_NUM_THREADS": "-3"},
    {"USER": "", "LOGNAME": "\x07"},
    {"XDG_CACHE_HOME": "relative", "XDG_DATA_HOME": ""},
    {"BROWSER": "/nowhere", "EDITOR": "", "PAGER": ""},
)


def _runs_well(scene: Scene, **options: object) -> None:
    """Whatever it is, the figures are equal and the exit code is 0."""
    done = scene.call(*scene.arguments(), anew=True, **options)
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    scene.expect_settled()


def _starts_well(scene: Scene, **options: object) -> None:
    """What only prints, which takes a moment."""
    commands = (
        ("list",),
        ("show", "recipe", "lenet5-suite"),
        ("run", "--help"),
        ("data", "show", "digits"),
    )
    done = scene.call(*scene.random.choice(commands), anew=True, **options)
    scene.expect_told(done, (0,))
    scene.expect_no_draft()


def _either(scene: Scene, **options: object) -> None:
    """A whole run with real workers takes seconds."""
    (_runs_well if scene.random.random() < 0.4 else _starts_well)(scene, **options)


def no_locale(scene: Scene) -> None:
    """No locale, one that does not exist, an ASCII terminal: everything is shown, spelled in it."""
    del scene.env["LANG"]
    scene.env.update(scene.random.choice(LOCALES))
    _either(scene)


def no_home(scene: Scene) -> None:
    """HOME is not set, empty, gone, a file, or below a device: nothing needs it."""
    how = scene.random.choice(("unset", "empty", "gone", "file", "device"))
    homes = {"empty": "", "gone": "/nowhere/at/all", "device": "/dev/null/home"}
    scene.env["HOME"] = homes.get(how, "")
    if how == "unset":
        del scene.env["HOME"]
    if how == "file":
        place = scene.folder / "a-file"
        place.write_text("")
        scene.env["HOME"] = str(place)
    if scene.random.random() < 0.3:
        del scene.env["LENET_BENCH_CACHE"]
        scene.env["XDG_CACHE_HOME"] = str(scene.cache)
        _starts_well(scene)
        return
    _either(scene)


def no_tmpdir(scene: Scene) -> None:
    """TMPDIR is not set, gone, a file or below a device: nothing needs it."""
    how = scene.random.choice(("gone", "file", "device", "relative", "removed"))
    places = {"gone": "/nowhere", "device": "/dev/null/tmp", "relative": "not/there"}
    if how == "removed":
        scene.tmp.rmdir()
    elif how == "file":
        place = scene.folder / "a-file"
        place.write_text("")
        scene.env["TMPDIR"] = str(place)
    else:
        scene.env["TMPDIR"] = places[how]
    _either(scene)


def odd_variables(scene: Scene) -> None:
    """Variables of Python, terminals and libraries are set to anything: figures are equal."""
    for one in scene.random.sample(VARIABLES, scene.random.randint(1, 4)):
        scene.env.update(one)
    if scene.env.get("PYTHONWARNINGS") == "error":
        scene.env["PYTHONWARNINGS"] = scene.random.choice(("error", "always", "nonsense::::"))
    _either(scene)


def odd_umask(scene: Scene) -> None:
    """Any umask: what is written can be read by who has written it."""
    mask = scene.random.choice((0, 0o077, 0o177, 0o777))
    done = scene.call(*scene.arguments(), prepare=lambda: void(os.umask(mask)))
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    for path in (*scene.out.glob("*/records/*"), *scene.out.glob("*/checkpoints/*")):
        scene.expect(path.stat().st_mode & 0o400, f"{path} cannot be read")
    scene.expect_settled()


def void(_: object) -> None:
    """For a lambda that is to return nothing."""


def current_folder_gone(scene: Scene) -> None:
    """The current folder has been removed: absolute paths work, relative ones are one line."""
    gone = scene.folder / "soon-gone"

    def go() -> None:
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    if scene.random.random() < 0.5:
        done = scene.call(*scene.arguments(), prepare=go)
        scene.expect_told(done, (0,))
        scene.expect_undisturbed()
    else:
        commands = (
            ("report", "results"),
            ("run", "--resume", "results/one"),
            ("list",),
            ("data", "show", "digits", "--data-root", "data"),
            ("run", "--frameworks", "reference", "--out", "results", "--dry-run"),
        )
        done = scene.call(*scene.random.choice(commands), prepare=go)
        scene.expect_told(done, (0, 2))
    scene.expect_settled()


def shadowed_modules(scene: Scene) -> None:
    """A file in the current folder has the name of a module: Python's, a library's or ours."""
    names = ("random", "json", "numpy", "typing", "tempfile", "select", "rich", "report", "impls")
    name = scene.random.choice(names)
    (scene.folder / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    _runs_well(scene)


def odd_paths(scene: Scene) -> None:
    """Results lie below names with spaces, quotes, line feeds, escapes, hundreds of characters."""
    names = (
        *("with space", "quote'\"s", "new\nline", "\x1b[31mred", "<b>&amp;", "=1+1", "-dash"),
        *(
            "ünïcødé",
            "名前",
            "e" * 200,
            "%s%n{}",
            "$HOME `id`",
            "a|b",
            "trailing ",
            "*?[x]",
            "\u202eltr",
        ),
    )
    scene.out = scene.folder / scene.random.choice(names) / "results"
    done = scene.call(*scene.arguments("--format", "md"))
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    scene.expect("\x1b" not in done.out + done.err, "an escape was printed")
    scene.expect_completes()


def undecodable_path(scene: Scene) -> None:
    """Results lie below a name that is no UTF-8: they are written there, or it is one line."""
    scene.out = Path(os.fsdecode(bytes(scene.folder) + b"/\xff\xfe-results"))
    done = scene.call(*scene.arguments("--format", scene.random.choice(("md", "none"))))
    scene.expect_told(done, (0, 2))
    if done.code == 0:
        scene.expect_undisturbed()
    else:
        left = list(scene.out.iterdir()) if scene.out.is_dir() else []
        scene.expect(not left, f"what is no run is left: {left}")
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (
            *(no_locale, no_home, no_tmpdir, odd_variables, odd_umask, current_folder_gone),
            *(shadowed_modules, odd_paths, undecodable_path),
        ),
    )
)
