"""Code that is the repository's must be the revision's: whatever else a process has loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.gate.origin import Loaded, Origins


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A working tree with an environment in it, the checkouts of two revisions, and elsewhere."""
    named = ("tree", "base", "head", "elsewhere", "tree/.venv/lib/site-packages")
    found = {name.rpartition("/")[2]: tmp_path / name for name in named}
    for folder in found.values():
        folder.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def origins(places: dict[str, Path]) -> Origins:
    roots = tuple(places[name] for name in ("base", "head", "tree"))
    return Origins(places["head"], (places["tree"],), roots)


def put(folder: Path, name: str) -> str:
    """A module's file below a folder; its packages are regular ones where the name has `+`."""
    *packages, module = name.split(".")
    for package in packages:
        folder /= package.strip("+")
        folder.mkdir(exist_ok=True)
        if package.endswith("+"):
            (folder / "__init__.py").touch()
    (folder / f"{module}.py").touch()
    return str(folder / f"{module}.py")


@pytest.fixture
def strangers(places: dict[str, Path], origins: Origins):
    def found(modules: dict[str, str], adapter: str = "adapter", **copies: str) -> list[str]:
        own = {"adapter": put(places["head"], "adapter")}
        where = [str(places["site-packages"])]
        return origins.strangers(Loaded(adapter, own | modules, where, copies))

    return found


def test_what_is_the_revision_s_or_nobody_s_is_fine(places, strangers):
    assert (
        strangers(
            {
                "bench.workload.models": put(places["head"], "bench+.models"),
                "json": put(places["elsewhere"], "json"),
                "torch.nn": put(places["site-packages"], "torch+.nn"),
                "helper": put(places["elsewhere"], "helper"),
                "__main__": put(places["tree"], "windows"),
            }
        )
        == []
    )


def test_the_adapter_of_the_environment(places, strangers):
    (complaint,) = strangers({"third": put(places["site-packages"], "third")}, adapter="third")
    assert complaint.startswith("third from ")


def test_an_adapter_that_no_file_has(strangers):
    assert strangers({}, adapter="made.up") == ["made.up from no file"]


def test_the_working_tree_and_the_environment_in_it(places, strangers):
    (complaint,) = strangers(
        {
            "untracked": put(places["tree"], "untracked"),
            "numpy": put(places["site-packages"], "numpy"),
        }
    )
    assert complaint.startswith("untracked from ")
    assert "the working tree and no revision" in complaint


@pytest.mark.parametrize("has_it", ["base", "head", "tree"])
def test_a_module_that_any_of_them_has_comes_from_elsewhere(places, strangers, has_it):
    """Such as one in a submodule that is not checked out in this revision."""
    put(places[has_it], "fast+.steps")
    (complaint,) = strangers({"fast.steps": put(places["site-packages"], "fast+.steps")})
    assert "which is not the one of the repository" in complaint


def test_packages_over_several_folders_are_told_apart_by_what_is_in_them(places, strangers):
    put(places["head"], "google.ours")
    assert strangers({"google.protobuf": put(places["site-packages"], "google.protobuf")}) == []
    (complaint,) = strangers({"google.ours": put(places["site-packages"], "google.ours")})
    assert complaint.startswith("google.ours from ")


def test_a_link_that_leads_out_of_the_repository(places, strangers):
    put(places["elsewhere"], "linked+.steps")
    (places["head"] / "linked").symlink_to(places["elsewhere"] / "linked")
    (complaint,) = strangers({"linked.steps": str(places["head"] / "linked/steps.py")})
    assert complaint.startswith("linked.steps from ")


def test_a_package_that_was_installed_as_a_copy_of_the_repository(places, strangers):
    copied = {"vendored": put(places["site-packages"], "vendored")}
    (complaint,) = strangers(copied, vendored=str(places["tree"] / "vendor"))
    assert f"a copy of {places['tree'] / 'vendor'}" in complaint


def test_what_git_lfs_has_elsewhere(places, origins):
    package = Path(put(places["head"], "package+.module")).parent
    (places["head"] / "docs").mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    for file in (package / "weights.bin", places["head"] / "docs/picture.png"):
        file.write_text(pointer)
    (package / "large.bin").write_text(pointer + "x" * 2000)
    modules = {"package": str(package / "__init__.py"), "package.module": str(package)}
    assert origins.pointers(Loaded("package", modules, [], {})) == [package / "weights.bin"]
