"""The resident process of the gate: loads one side's adapter, warm, and times windows on request.

The parent starts this very file for both sides, by path, with a side's interpreter and a side's
checkout first on the path: clock and protocol are one, and all that is measured is the side's. So
nothing of the harness may be imported here but what an adapter needs, and only from the side.

The task comes as the first line of standard input; each line after it is a request, answered by one
line of JSON on the pipe whose number is the first argument.

    {"prepare": steps}       compile for windows of so many steps  → {"prepared": steps}
    {"window": steps}        → {"seconds", "cpu_s", "compiled"}
    {"loaded": 0}            what was loaded so far, and from where; see `Side.loaded`
Anything that fails is answered by {"failed": reason}, with the traceback on standard error unless
the reason says all.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import importlib.util
import json
import os
import site
import sys
import sysconfig
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import SimpleQueue
from typing import Any, TextIO

INPUT_SHAPE = (32, 32, 1)
CLASSES = 10
IMAGES = 8192  # 32 MiB: more than a cache holds, and quick to make
LEARNING_RATE = 1e-6  # the weights stay where they are, so that every window is the same work


def main(argv: list[str]) -> None:
    """Answer requests until standard input ends."""
    descriptor = int(argv[1])
    os.set_inheritable(descriptor, False)
    lines = _claim_stdin()
    task = json.loads(lines.readline())
    requests: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(lines, requests), name="requests", daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, task["cpus"])  # before any library counts the CPUs
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:

        def answer(**fields: object) -> None:
            pipe.write(json.dumps(fields) + "\n")
            pipe.flush()

        try:
            side = Side(task)
            answer(ready=task["framework"])
            gc.collect()
            gc.freeze()
            gc.disable()
            while True:
                ((request, steps),) = json.loads(requests.get()).items()
                answer(**side.answers[request](steps))
        except Exception as error:
            text = (str(error).strip().splitlines() or ["no message"])[0]
            if not _is_clear(error):
                traceback.print_exc()
                text = f"{type(error).__name__}: {text}"
            answer(failed=text)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a library that crashes while it is torn down says nothing about the side


class NoDeviceError(RuntimeError):
    """The framework sees no device of the kind that was asked for."""


def _is_clear(error: Exception) -> bool:
    """Whether its message says all: one of the revision's own errors for people, or ours."""
    mine = isinstance(error, NoDeviceError)
    return mine or any(one.__name__ == "BenchError" for one in type(error).__mro__)


class Side:
    """One revision's adapter with LeNet-5 and synthetic images, the same on both sides."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self._worktrees = task["worktrees"]
        sys.path[:] = dict.fromkeys((*task["paths"], *_of_the_revision(task)))
        import numpy as np

        from bench import contract, frameworks

        framework = frameworks.named(task["framework"])
        if hasattr(framework, "variables"):  # an earlier revision sets none
            os.environ |= framework.variables(task["device"], task["instruction_sets"])
        models, order = _models_and_order()
        self._np, self._contract, self._batch = np, contract, int(task["batch_size"])
        self._adapter = frameworks.create(framework)
        if task["device"] not in self._adapter.devices():
            raise NoDeviceError(f"{task['framework']} sees no {task['device']} here")
        self._spec = spec = models.build("lenet5", INPUT_SHAPE, CLASSES)
        parameters = order.initial_parameters(0, spec)
        adam = contract.OptimizerSpec("adam")
        self._random = np.random.Generator(np.random.PCG64(0))
        images = self._random.random((IMAGES, *INPUT_SHAPE), dtype=np.float32) - np.float32(0.5)
        labels = self._random.integers(0, CLASSES, IMAGES).astype(np.int32)
        self._adapter.build(spec, parameters, adam, task["device"], int(task["threads"]))
        self._adapter.load(images, labels)
        self._adapter.synchronize()
        self.answers: dict[str, Callable[[int], dict[str, object]]] = {
            "prepare": self.prepare,
            "window": self.window,
            "loaded": self.loaded,
        }
        self._compilations = 0

    def loaded(self, _: int) -> dict[str, object]:
        """Every module that a file has, and what else says where it came from.

        adapter      the module that has the adapter's class
        environment  where the interpreter and installed packages are
        copies       packages that were installed as copies of a folder of the repository, by name
        """
        return {
            "adapter": type(self._adapter).__module__,
            "modules": dict(_modules()),
            "environment": _environment(),
            "copies": dict(_copies(self._worktrees)),
        }

    def prepare(self, steps: int) -> dict[str, object]:
        """Compile for windows of so many full batches."""
        if hasattr(self._contract, "compile_for"):
            epoch = self._contract.blank_epoch(self._spec, steps, self._batch)
            with contextlib.suppress(self._contract.NotSupportedError):
                self._contract.compile_for(self._adapter, epoch)
        else:  # an earlier revision
            self._adapter.compile(steps, self._batch, 0)  # type: ignore[call-arg, arg-type]
        self._adapter.synchronize()
        return {"prepared": steps}

    def window(self, steps: int) -> dict[str, object]:
        """Train on so many full batches; the seconds, with the device idle at both edges."""
        np = self._np
        rows = self._random.integers(0, IMAGES, (steps, self._batch)).astype(np.int32)
        batches = self._contract.Order(rows, np.zeros(0, np.int32))
        self._compiled_since()
        self._adapter.synchronize()
        cpu, start = time.process_time(), time.perf_counter()
        self._adapter.train_epoch(batches, LEARNING_RATE)
        self._adapter.synchronize()
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
        return {
            "seconds": seconds,
            "cpu_s": cpu_s,
            "compiled": self._compiled_since(),
        }

    def _compiled_since(self) -> bool:
        """Whether anything was compiled since this was asked last, where the revision tells."""
        if hasattr(self._adapter, "compiled_since"):
            try:
                return bool(self._adapter.compiled_since())
            except self._contract.NotSupportedError:
                return False
        count = getattr(self._adapter, "compilations", lambda: 0)()
        before, self._compilations = self._compilations, count
        return bool(count > before)


def _of_the_revision(task: Mapping[str, Any]) -> Iterator[str]:
    """The path as it is, where what an environment adds of the working trees is the revision's.

    Editable installs do so by their .pth files.
    """
    environment = _environment()
    for entry in sys.path:
        place = os.path.realpath(entry)
        tree = next((tree for tree in task["worktrees"] if _is_below(place, tree)), None)
        if tree is None or any(_is_below(place, known) for known in environment):
            yield entry
        else:
            yield os.path.normpath(os.path.join(task["checkout"], os.path.relpath(place, tree)))


def _environment() -> list[str]:
    """Where the interpreter and the packages that are installed for it are."""
    paths = sysconfig.get_paths()
    places = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    return [os.path.realpath(place) for place in places]


def _copies(worktrees: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Packages that pip has installed as copies of a folder in one of the working trees."""
    for distribution in importlib.metadata.distributions():
        about = json.loads(distribution.read_text("direct_url.json") or "{}")
        if about.get("dir_info", {}).get("editable"):
            continue
        url = urllib.parse.urlsplit(about.get("url", ""))
        folder = os.path.realpath(urllib.parse.unquote(url.path))
        if url.scheme == "file" and any(_is_below(folder, tree) for tree in worktrees):
            for file in distribution.files or ():
                yield file.parts[0].partition(".")[0], folder


def _is_below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)


def _modules() -> Iterator[tuple[str, str]]:
    """Names and files. Some objects that pose as modules, as PyTorch has them, name no real one."""
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.isfile(file):
            yield name, os.path.abspath(file)


def _models_and_order() -> tuple[Any, Any]:
    """The two modules of the revision, where it has them.

    The folder is looked for where the revision is: an import could find that of the working tree,
    which is installed for development, in one from before there was such a folder.
    """
    import bench

    if os.path.isdir(os.path.join(os.path.dirname(bench.__file__), "workload")):
        from bench.workload import models, order
    else:
        from bench import models, order  # type: ignore[attr-defined, no-redef]
    return models, order


def _claim_stdin() -> TextIO:
    """Standard input for ourselves, as in `bench.worker`; libraries find an empty one."""
    ours = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return ours


def _read(lines: TextIO, requests: SimpleQueue[str]) -> None:
    """Pass requests on; they end when the parent does, however it does."""
    for line in lines:
        requests.put(line)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv)
