"""What a certificate depends on: every file that runs in an examination, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from bench import frameworks
from bench.contract import ModelOptions
from bench.errors import BenchError
from bench.execution import certify
from bench.execution.examined_files import examined_files
from bench.frameworks import Framework, built_in
from bench.results.certificate import Subject
from bench.worker.messages import Ended, Examine, event_from, to_line

ROOT = Path(__file__).parents[2]
SUBJECT = Subject(
    framework="reference",
    device="cpu",
    model="lenet5",
    options=ModelOptions(dropout=0.5),
    input_shape=(32, 32, 1),
    classes=10,
    optimizers=(),
    threads=1,
)


class Copy:
    """A copy of the sources, and what is read there of a framework."""

    def __init__(self, root):
        self.root = root
        for package in ("bench", "impls", "report"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, root / package, ignore=ignored)

    def find(self, name):
        return PathFinder.find_spec(name, [str(self.root)])

    def files(self, framework):
        return examined_files(framework, self.find)

    def hash(self, framework):
        return certify._hash_of_sources(framework, self.find)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


def _change(file):
    """One byte, in Python's files one of the description."""
    content = file.read_bytes()
    assert file.suffix != ".py" or content.startswith(b'"""')
    at = 3 if file.suffix == ".py" else 0
    file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    return content


def test_a_byte_of_any_file_that_runs_is_in_the_key(copy):
    """Each file of the closure once, with one of the frameworks that it is in."""
    seen = set()
    for framework in built_in():
        files, before = copy.files(framework), copy.hash(framework)
        for file in set(files) - seen:
            content = _change(file)
            assert copy.hash(framework) != before, file
            file.write_bytes(content)
        assert copy.hash(framework) == before
        seen |= set(files)
    in_copy = {file.relative_to(copy.root).as_posix() for file in seen}
    assert in_copy >= {
        "bench/worker/__main__.py",
        "bench/worker/tasks.py",
        "bench/verification/examination.py",
        "bench/contract/asking.py",
        "bench/contract/base.py",
        "bench/contract/product.py",
        "impls/_jax/training.py",
        "bench/workload/metrics.py",
        "bench/workload/normalisation.py",
        "bench/workload/initialisers.py",
        "bench/workload/datasets/digits.py",
        "bench/workload/datasets/digits.npz",
        "bench/workload/datasets/fitting.py",
        "bench/system/clocks.py",
        "impls/__init__.py",
        "impls/juliapkg.json",
        "impls/reference/margins.py",
        "impls/torch/compiled.py",
        "impls/_julia/toolchain.py",
        "impls/_julia/LenetBenchJulia/src/examples.jl",
        "impls/flux/toolchain.py",
        "impls/flux/LenetBenchFlux/Project.toml",
        "impls/flux/LenetBenchFlux/src/session.jl",
        "impls/flux/LenetBenchFluxCUDA/src/LenetBenchFluxCUDA.jl",
    }


def test_what_does_not_run_is_not_in_the_key(copy):
    torch = frameworks.named("torch")
    before, files = copy.hash(torch), set(copy.files(torch))
    others = [file for file in copy.root.rglob("*.*") if file.is_file() and file not in files]
    names = {file.relative_to(copy.root).as_posix() for file in others}
    assert names >= {"report/build.py", "bench/cli/app.py", "impls/keras/model.py"}
    assert {name.split("/")[1] for name in names if name.startswith("bench/")} >= {
        *("cli", "execution", "gate", "stats")
    }
    contents = {file: file.read_bytes() for file in others}
    for file in others:
        file.write_bytes(b"!" + contents[file])
    assert copy.hash(torch) == before
    for file, content in contents.items():
        file.write_bytes(content)


def test_a_module_that_has_moved_is_an_error_that_names_it(copy):
    framework = frameworks.named("reference")
    # Without its __init__.py a folder is a package, too.
    files = [file for file in copy.files(framework) if file.name != "__init__.py"]
    modules = [file for file in files if file.suffix == ".py"]
    assert len(modules) > 50
    for file in modules:
        moved = file.rename(file.with_name("moved_elsewhere.py"))
        name = ".".join(file.relative_to(copy.root).with_suffix("").parts)
        with pytest.raises(BenchError, match=rf" imports {name}, and no file"):
            copy.files(framework)
        moved.rename(file)


def test_what_is_damaged_is_not_examined_and_tells_why(monkeypatch, tmp_path):
    def damaged(framework, find):
        raise BenchError("a.py imports b, and no file of that module can be found")

    monkeypatch.setattr(certify, "examined_files", damaged)
    verdict = certify.certify(SUBJECT, tmp_path / "log", lambda check: None, executor=None)
    assert (verdict.outcome, verdict.certificate) == ("failed", None)
    assert verdict.reason == "a.py imports b, and no file of that module can be found"


def test_the_sources_are_in_the_name_of_the_certificate(monkeypatch):
    names = set()
    for content in ("one", "another"):
        monkeypatch.setattr(certify, "_hash_of_sources", lambda framework, own=content: own)
        names.add(certify._key(SUBJECT, frameworks.named("reference"), {}))
    assert len(names) == 2


def test_the_order_in_which_variables_were_set_is_not_in_the_name():
    """Two shells give the same variables in another order."""
    reference = frameworks.named("reference")
    one, other = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}
    key = certify._key(SUBJECT, reference, one)
    assert certify._key(SUBJECT, reference, other) == key
    assert certify._key(SUBJECT, reference, {"A": "1", "B": "3"}) != key
    assert certify._key(SUBJECT, reference, {**one, "TMPDIR": "/elsewhere"}) == key


# Started in place of `python -m bench.worker`: does the same, and tells at its end which files were
# loaded as modules, and which ones were opened.
WATCHED_WORKER = """
import json, os, sys
opened = []
sys.addaudithook(lambda event, of: event == "open" and opened.append(str(of[0])))
def end(code, end=os._exit):
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    print(json.dumps([loaded, opened]), flush=True)
    end(code)
os._exit = end
from bench.worker.__main__ import main
main(sys.argv)
"""


def test_all_that_an_examination_loads_and_opens_is_in_the_key(tmp_path):
    """Of this program; what is installed is in the key by what the installer knows of it."""
    read_end, write_end = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED_WORKER, str(write_end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(write_end,),
        text=True,
        cwd=ROOT,
    ) as worker:
        os.close(write_end)
        worker.stdin.write(f"\n{to_line(Examine(subject=SUBJECT))}\n")
        worker.stdin.flush()
        with open(read_end, "rb") as pipe:
            events = [event_from(line) for line in pipe]
        loaded, opened = json.loads(worker.stdout.readline())
    assert events[-1] == Ended(outcome="ok")
    expected = {file.relative_to(ROOT).as_posix() for file in examined_files(_reference())}
    modules, read = _own(loaded), _own(opened)
    assert modules >= {"bench/worker/tasks.py", "impls/reference/adapter.py"}
    assert "bench/workload/datasets/digits.npz" in read
    assert modules <= expected  # without exception: see `bench.execution.examined_files`
    assert read <= expected
    # And it holds no more than that, but for what other tasks or frameworks would read.
    assert expected - modules - read <= {
        "bench/workload/datasets/download.py",
        "impls/juliapkg.json",
    }


def _own(paths):
    """Files of this program, from its folder; without what Python has compiled of them."""
    files = {Path(path) for path in paths if path and path.startswith(f"{ROOT}/")}
    own = {file.relative_to(ROOT).as_posix() for file in files if file.parent.name != "__pycache__"}
    return {file for file in own if file.startswith(("bench/", "impls/"))}


def _reference():
    return frameworks.named("reference")


def _third_party(monkeypatch, folder):
    """A framework of a package that is not ours, with an adapter in a package of its own."""
    files = {
        "theirs/__init__.py": "",
        "theirs/declared.py": "from theirs.titles import TITLE",
        "theirs/titles.py": "TITLE = 'Theirs'",
        "theirs/shared.py": "",
        "theirs/unused.py": "",
        "theirs/adapters/__init__.py": "",
        "theirs/adapters/one.py": "from bench.contract import Adapter\nfrom theirs import shared",
        "theirs/adapters/by_name.py": "",
        "theirs/adapters/kernels.jl": "",
        "theirs/adapters/kernels/more.jl": "",
        "theirs/tools.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    theirs = Framework(
        "theirs", "Theirs", "theirs.adapters.one:One", "theirs", (), "", toolchain="theirs.tools:IT"
    )

    class Point:
        name, value = "theirs", "theirs.declared:FRAMEWORK"

        def load(self):
            return theirs

    monkeypatch.syspath_prepend(folder)  # what is found of frameworks is kept by this path
    registry = frameworks.registry
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: [Point()])
    return theirs


def test_the_package_of_a_third_party(monkeypatch, tmp_path):
    theirs = _third_party(monkeypatch, tmp_path)
    files = examined_files(theirs)
    own = {file.relative_to(tmp_path).as_posix() for file in files if tmp_path in file.parents}
    assert own == {
        "theirs/__init__.py",
        "theirs/declared.py",
        "theirs/titles.py",
        "theirs/shared.py",
        "theirs/adapters/__init__.py",
        "theirs/adapters/one.py",
        "theirs/adapters/by_name.py",
        "theirs/adapters/kernels.jl",
        "theirs/adapters/kernels/more.jl",
        "theirs/tools.py",
    }
    assert ROOT / "impls/reference/adapter.py" in files
    assert "theirs" not in sys.modules
    # A worker that is asked for another framework imports the declaration, and no more of it.
    others = {file.name for file in examined_files(_reference()) if tmp_path in file.parents}
    assert others == {"__init__.py", "declared.py", "titles.py"}


def test_an_adapter_that_is_a_single_file(monkeypatch, tmp_path):
    (tmp_path / "single_adapter.py").write_text("from impls.torch.model import Network")
    (tmp_path / "beside.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)
    single = Framework("single", "Single", "single_adapter:Single", "numpy", (), "")
    files = examined_files(single)
    assert tmp_path / "single_adapter.py" in files
    assert tmp_path / "beside.json" not in files
    assert ROOT / "impls/torch/model.py" in files


def test_no_framework_is_imported_to_find_them():
    heavy = "{'numpy', 'torch', 'tensorflow', 'jax', 'juliacall', 'impls'}"
    code = (
        "import sys, bench.frameworks; from bench.execution.examined_files import examined_files; "
        "known = bench.frameworks.built_in(); before = set(sys.modules); "
        "[examined_files(framework) for framework in known]; "
        f"assert not (set(sys.modules) - before) & {heavy}, set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
