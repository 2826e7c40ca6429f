from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import DataError, UnknownNameError
from bench.workload import datasets

FETCHED = (
    *("mnist", "fashionmnist", "kmnist", "qmnist"),
    *("emnist-balanced", "emnist-letters", "emnist-digits", "emnist-byclass", "emnist-bymerge"),
    *("cifar10", "cifar100", "cifar100-coarse", "svhn"),
)


def test_names() -> None:
    assert datasets.names() == ("digits", *FETCHED)


@pytest.mark.parametrize("name", FETCHED)
def test_a_set_that_is_not_there_says_how_to_get_it(root: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        datasets.load(name, root, (32, 32), "pad")
    text = str(caught.value)
    assert f"`python -m bench data fetch {name}`" in text
    assert str(root) in text
    assert "sha256:" in text
    assert "\n" not in text
    described = datasets.describe(name, root)
    assert not described.available
    assert described.reason is not None
    assert f"`python -m bench data fetch {name}`" in described.reason
    assert {check.status for check in datasets.verify(name, root)} == {"missing"}
    assert list(root.iterdir()) == []


def test_qmnist_has_sixty_thousand_test_images(root: Path) -> None:
    assert datasets.describe("qmnist", root).test_size == 60_000
    assert datasets.describe("mnist", root).test_size == 10_000


def test_unknown_names_list_the_known(root: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'mnits' \(did you mean 'mnist'\?\).*npz:PATH"):
        datasets.describe("mnits", root)
    with pytest.raises(UnknownNameError, match="unknown fit 'crop': choose from pad, resize"):
        datasets.load("digits", root, (32, 32), "crop")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="names no file"):
        datasets.load("npz:", root, (32, 32), "pad")
    with pytest.raises(DataError, match="cannot have the size 0×32"):
        datasets.load("digits", root, (0, 32), "pad")


def test_the_default_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pooch

    assert datasets.default_root() == pooch.os_cache("lenet-bench")
    monkeypatch.setenv("LENET_BENCH_DATA", str(tmp_path / "own"))
    assert datasets.default_root() == tmp_path / "own"
    monkeypatch.setenv("LENET_BENCH_DATA", "~/own")
    assert datasets.default_root() == Path.home() / "own"


def test_importing_and_describing_are_light(make: SimpleNamespace, root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bench.workload import datasets\n"
        f"for name in datasets.names(): datasets.describe(name, Path({str(root)!r}))\n"
        "heavy = {'pooch', 'requests', 'PIL', 'sklearn', 'rich', 'scipy', 'platformdirs'}\n"
        "sys.exit(f'imported: {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=make.repository, check=True)
