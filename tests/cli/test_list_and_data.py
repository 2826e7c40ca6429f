"""`bench list`, `bench data` and `--help`."""

from __future__ import annotations

import json
import re
import subprocess
import time

import pytest
from rich.console import Console

from bench import __version__, frameworks
from bench.cli.commands import run
from bench.errors import DataError
from bench.results import known_defects
from bench.workload import datasets


def test_help_is_quick(bench):
    def seconds() -> float:
        start = time.perf_counter()
        assert bench("--help").returncode == 0
        return time.perf_counter() - start

    assert min(seconds() for _ in range(7)) < 0.4


def test_help_tells_every_option_of_a_run(bench):
    text = bench("run", "--help").stdout
    for option in (
        *("frameworks", "dataset", "data-root", "devices", "seeds", "epochs", "batch-size"),
        *("optimizer", "lr", "momentum", "weight-decay", "model", "target", "threads"),
        *("train-size", "test-size", "val-size", "timeout", "out", "resume", "dry-run", "json"),
        *("throughput-only", "precision", "min-repeats", "max-repeats", "windows", "window"),
    ):
        assert re.search(rf"--{option}[ ,]", text), option


def test_its_version(bench):
    done = bench("--version")
    assert (done.returncode, done.stdout) == (0, f"lenet-bench {__version__}\n")


def test_no_command_shows_the_help(bench):
    done = bench()
    assert done.returncode == 2
    assert "run" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("libraries", ["of plugins", pytest.param("all", marks=pytest.mark.long)])
def test_list_tells_what_is_available_or_why_not(bench, monkeypatch, libraries):
    """Each framework is asked in a process of its own, and most take seconds to load."""
    if libraries == "of plugins":
        heavy = {framework.name for framework in frameworks.built_in()} - {"reference"}
        every = frameworks.with_variants

        def light():
            return {name: each for name, each in every().items() if name.split(":")[0] not in heavy}

        monkeypatch.setattr(frameworks, "with_variants", light)
    sections = json.loads(bench("list", "--json").stdout)
    assert set(sections) == {"frameworks", "datasets", "models", "recipes"}
    rows = {row["name"]: row for row in sections["frameworks"]}
    assert rows["reference"]["available"]
    assert rows["reference"]["devices"] == ["cpu"]
    assert "libfaulty.so.1" in rows["broken"]["reason"]
    assert "a_module_that_nobody_has is not installed" in rows["absent"]["reason"]
    assert rows["twofold:counting"]["available"]
    assert rows["twofold:counting"]["devices"] == ["cpu"]
    assert rows["twofold:cogs"]["reason"] == "no difference engine here: build one"
    assert ("torch:compile" in rows) == (libraries == "all")
    for row in rows.values():
        assert row["available"] == (row["reason"] is None)
        assert row["known_defects"] == known_defects.installed(row["name"])
    data = {row["name"]: row for row in sections["datasets"]}
    assert list(data) == list(datasets.names())
    assert data["digits"]["available"]
    assert not data["cifar10"]["available"]
    assert data["cifar10"]["reason"]
    models = {row["name"]: row for row in sections["models"]}
    assert models["lenet5"]["parameters at 1 channel"] == 61_706
    assert models["lenet5-wide"]["parameters at 3 channels"] == 548_878
    assert models["convnet"]["images"] == "28×28"
    assert models["convnet"]["parameters at 1 channel"] == 16_938
    assert models["convnet"]["activation"] == ["relu"]
    assert "selu" in models["lenet5"]["activation"]


@pytest.mark.long
def test_list_tells_what_is_known_to_be_wrong(bench, monkeypatch):
    defect = known_defects.Defect("numpy", ">=1", ("reference",), "is wrong", "https://example.org")
    monkeypatch.setattr(known_defects, "known", lambda: (defect,))
    done = bench("list", "frameworks")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("known defect: ")]
    assert line.endswith(": is wrong (https://example.org)")


def test_list_as_tables(bench):
    done = bench("list", "datasets")
    assert done.returncode == 0
    assert "Fashion-MNIST" in done.stdout
    assert "61,706" not in done.stdout


NAMES = {"datasets": ["fashionmnist", "cifar10"], "models": ["lenet5-c5conv", "lenet5-wide"]}


@pytest.mark.parametrize(("what", "names"), NAMES.items())
def test_in_a_pipe_nothing_is_cut_and_no_row_is_broken(bench, what, names):
    del bench.env["COLUMNS"]
    text = bench("list", what).stdout
    assert "…" not in text
    rows = json.loads(bench("list", what, "--json").stdout)[what]
    assert {row["name"] for row in rows} >= set(names)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    for row in rows:
        (line,) = [
            line for line in lines if line[0] == row["name"] and line[1] not in ("is", "has")
        ]
        assert line[1:]
    if what == "models":
        assert "elu" in next(" ".join(line) for line in lines if line[0] == "lenet5")


@pytest.mark.parametrize("columns", ["80", "60"])
@pytest.mark.parametrize("what", NAMES)
def test_on_a_narrow_terminal_names_are_broken_and_not_cut(bench, what, columns):
    bench.env["COLUMNS"] = columns
    text = bench("list", what).stdout
    assert "…" not in text
    for name in NAMES[what]:
        assert f" {name} " in text, "names go before other columns"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "models"),
        ("show", "recipe", "lenet5-suite"),
        ("--help",),
        ("data", "show", "digits"),
    ],
    ids=" ".join,
)
def test_encodings_that_lack_characters(bench, arguments, encoding):
    bench.env["PYTHONIOENCODING"] = encoding
    done = subprocess.run(
        bench.command(*arguments), env=bench.env, capture_output=True, check=False, timeout=240
    )
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode(encoding)
    assert text.strip()
    if arguments == ("list", "models"):
        assert ("32x32" if encoding == "ascii" else "32×32") in text


def test_data_show(bench):
    facts = json.loads(bench("data", "show", "digits", "--json").stdout)
    assert facts["train_images"] == 1797
    assert facts["test_images"] == 0
    assert facts["native_shape"] == "8×8×1"
    assert facts["delivered_shape"] == "32×32×1"
    assert sum(facts["images_per_class"]["train"]) == 1797
    assert "1797" in bench("data", "show", "digits").stdout


def test_data_verify(bench, tmp_path):
    assert bench("data", "verify", "digits").returncode == 0
    done = bench("data", "verify", "mnist", "--data-root", str(tmp_path))
    assert done.returncode == 1
    assert "missing" in done.stdout
    assert "train-images-idx3-ubyte" in done.stdout


def test_data_clean(bench, tmp_path):
    assert "nothing is decoded in" in bench("data", "clean").stdout
    assert bench("data", "show", "digits").returncode == 0
    old = tmp_path / "root" / "lenet-bench-cache"
    old.mkdir(parents=True)
    (decoded,) = (bench.cache / "decoded").glob("*.json")
    (old / decoded.name).write_bytes(bytes(1_500_000))
    done = bench("data", "clean", "--data-root", str(tmp_path / "root"))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{bench.cache / 'decoded'}: 3 files removed, 1.8 MB freed",
        f"{old}: 1 file removed, 1.5 MB freed",
    ]
    assert not (bench.cache / "decoded").exists()
    assert not old.exists()


def test_a_missing_data_set_without_network(bench, refused, tmp_path):
    # The proxy leads nowhere: every mirror is refused at once, as on a machine without network.
    bench.env |= {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    complaint = refused("run", "--frameworks", "reference", "--dataset", "mnist",
                        "--data-root", str(tmp_path), "--out", str(bench.out))  # fmt: skip
    assert "train-images-idx3-ubyte" in complaint
    assert "sha256" in complaint
    assert not bench.out.exists()
    planned = bench("run", "--frameworks", "reference", "--dataset", "mnist",
                    "--data-root", str(tmp_path), "--dry-run")  # fmt: skip
    assert planned.returncode == 0
    assert "a run would fetch it" in planned.stderr
    assert "55000" in planned.stdout


def test_a_data_root_one_level_too_high(tmp_path):
    root = tmp_path / "two words"
    for file in datasets.MNIST.files:
        path = (root / "data" / file.path).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as opened:
            opened.truncate(file.content_bytes)
    told = rf"mnist is not in {root}, but in {root}/data: give --data-root '{root}/data', or run"
    given = {"dataset": "mnist", "data_root": root, "frameworks": ("reference",)}
    for fetch in (True, False):
        with pytest.raises(DataError, match=told):
            run.plan_for(given, Console(), fetch=fetch)
    assert datasets.below("kmnist", root) is None
    assert datasets.below("mnist", tmp_path / "nowhere") is None


def test_wrong_options_are_told_before_anything_is_fetched(bench, refused, tmp_path):
    complaint = refused("run", "--frameworks", "reference", "--dataset", "mnist", "--epochs", "0",
                        "--data-root", str(tmp_path))  # fmt: skip
    assert "--epochs 0 is too small" in complaint
    assert not list(tmp_path.iterdir())
