"""The NumPy reference, to which something happens once, at a moment that a file names.

The file `strike.json` lies beside the folder of caches, the one place that a worker is told of:
{"name", "method", "number", "cell", …}: what happens, before which call of which method, counted
from 1, in which of the cells that come. It is removed first, so that a resumed run has no fault.
"""

from __future__ import annotations

import collections
import ctypes
import errno
import json
import locale
import os
import resource
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from impls.reference.adapter import ReferenceAdapter

LONG_S = 300.0  # longer than any limit of the campaign


class Struck(ReferenceAdapter):
    """Computes as the reference does, and counts the calls of its methods until the moment."""

    def __init__(self) -> None:
        super().__init__()
        self._file = Path(os.environ["LENET_BENCH_CACHE"]).parent / "strike.json"
        self._calls: collections.Counter[str] = collections.Counter()
        self._strike: dict[str, Any] | None = None
        self._changed: set[str] = set()

    def _reach(self, method: str) -> None:
        self._calls[method] += 1
        strike = self._strike
        if strike and (strike["method"], strike["number"]) == (method, self._calls[method]):
            self._strike = None
            self._file.unlink()
            STRIKES[strike["name"]](self, strike)

    def build(self, *arguments: Any) -> None:
        if self._file.exists():
            strike = json.loads(self._file.read_text())
            if strike["cell"]:
                self._file.write_text(json.dumps(strike | {"cell": strike["cell"] - 1}))
            else:
                self._strike = strike
        self._reach("build")
        super().build(*arguments)

    def load(self, *arguments: Any) -> None:
        self._reach("load")
        super().load(*arguments)

    def gradients64(self, *arguments: Any) -> Any:
        self._reach("gradients64")
        loss, gradients = super().gradients64(*arguments)
        if "loss" in self._changed:
            loss = self._value
        if "gradient" in self._changed:
            next(iter(gradients.values())).flat[0] = self._value
        self._changed -= {"loss", "gradient"}
        return loss, gradients

    def train_epoch(self, *arguments: Any) -> Any:
        self._reach("train_epoch")
        losses = super().train_epoch(*arguments)
        if "losses" in self._changed:
            self._changed.remove("losses")
            return WRONG_ARRAYS[self._value](losses)
        return losses

    def predict(self, *arguments: Any) -> Any:
        self._reach("predict")
        logits = super().predict(*arguments)
        if "logits" in self._changed:
            self._changed.remove("logits")
            return WRONG_ARRAYS[self._value](logits)
        return logits

    def export(self) -> Any:
        self._reach("export")
        parameters = super().export()
        if "weights" in self._changed:
            next(iter(parameters.values())).flat[0] = self._value
        return parameters

    def change(self, what: str, value: Any) -> None:
        """From the next call on, what comes of it is another value."""
        self._changed.add(what)
        self._value = value


WRONG_ARRAYS = {
    "none": lambda array: None,
    "text": lambda array: "0.5",
    "shorter": lambda array: array[:-1],
    "more": lambda array: np.stack([array, array]),
    "objects": lambda array: array.astype(object),
    "complex": lambda array: array.astype(np.complex64) + 1j,
}


def _send(adapter: Struck, strike: dict[str, Any]) -> None:
    os.kill(os.getpid(), strike["signal"])
    time.sleep(LONG_S if strike["signal"] == signal.SIGSTOP else 5)


def _wait(adapter: Struck, strike: dict[str, Any]) -> None:
    """Tell that the moment has come, and let the campaign do what it does."""
    adapter._file.with_name("reached").write_text(str(os.getpid()))
    time.sleep(strike["wait_s"])


def _hang(adapter: Struck, strike: dict[str, Any]) -> None:
    if strike["how"] == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    adapter._file.with_name("reached").write_text(str(os.getpid()))
    if strike["how"] == "locked":  # no thread of Python runs any more, whatever it waits for
        ctypes.PyDLL(None).sleep(int(LONG_S))
    time.sleep(LONG_S)


def _exit(adapter: Struck, strike: dict[str, Any]) -> None:
    if strike["how"] == "at once":
        os._exit(strike["code"])
    sys.exit(strike["code"])


def _raise(adapter: Struck, strike: dict[str, Any]) -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    errors = {
        "value": lambda: ValueError("the tensor has a cold"),
        "lines": lambda: RuntimeError("first line\nsecond line\n\nthird"),
        "escapes": lambda: RuntimeError("\x1b[2J\x1b]0;title\x07\x00red\u202e"),
        "surrogate": lambda: RuntimeError("half a character \ud800"),
        "long": lambda: RuntimeError("x" * 3_000_000),
        "empty": lambda: RuntimeError(),
        "unprintable": UnprintableError,
        "memory": lambda: MemoryError(),
        "recursion": lambda: RecursionError("too deep"),
        "interrupt": lambda: KeyboardInterrupt(),
        "group": lambda: ExceptionGroup("several", [ValueError("one"), TypeError("two")]),
        "os": lambda: OSError(errno.EIO, "Input/output error", "/dev/nowhere"),
        "stop": lambda: StopIteration(3),
        "generator": lambda: GeneratorExit(),
    }
    raise errors[strike["how"]]()


def _memory(adapter: Struck, strike: dict[str, Any]) -> None:
    """What it may have is little more than what it has, and it asks for much more."""
    with open("/proc/self/statm") as file:
        has = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + (64 << 20),) * 2)
    kept = []
    while True:
        kept.append(np.ones(4 << 20))


def _file_limit(adapter: Struck, strike: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (strike["bytes"],) * 2)


def _failing_calls(adapter: Struck, strike: dict[str, Any]) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise OSError(strike["errno"], os.strerror(strike["errno"]))

    setattr(os, strike["call"], failing)


def _print(adapter: Struck, strike: dict[str, Any]) -> None:
    content = bytes(strike["bytes"]) if "bytes" in strike else strike["text"].encode()
    for descriptor in (1, 2):
        for _ in range(strike["times"]):
            os.write(descriptor, content)


def _close(adapter: Struck, strike: dict[str, Any]) -> None:
    for descriptor in strike["descriptors"]:
        os.close(descriptor)


def _close_range(adapter: Struck, strike: dict[str, Any]) -> None:
    os.closerange(3, 256)


def _fork(adapter: Struck, strike: dict[str, Any]) -> None:
    """As libraries leave helpers: with all descriptors of the worker, the pipe among them."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of threads
    for _ in range(strike["children"]):
        if os.fork() == 0:
            if strike["session"]:
                os.setsid()
            time.sleep(strike["lives_s"])
            os._exit(0)


def _threads(adapter: Struck, strike: dict[str, Any]) -> None:
    for _ in range(8):
        threading.Thread(target=time.sleep, args=(LONG_S,)).start()


def _change_folder(adapter: Struck, strike: dict[str, Any]) -> None:
    gone = adapter._file.with_name("gone")
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()


def _change_handlers(adapter: Struck, strike: dict[str, Any]) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(sign, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def _change_settings(adapter: Struck, strike: dict[str, Any]) -> None:
    os.umask(0o777)
    np.seterr(under="ignore", over="ignore")
    np.set_printoptions(precision=1)
    sys.setrecursionlimit(200)
    sys.stdout = sys.stderr = None
    sys.path.insert(0, "/nowhere")
    os.environ.clear()
    locale.setlocale(locale.LC_ALL, "C")
    warnings.simplefilter("error")
    np.random.seed(0)


def _change_value(adapter: Struck, strike: dict[str, Any]) -> None:
    value = float(strike["value"]) if strike["value"] in ("nan", "inf", "-inf") else strike["value"]
    adapter.change(strike["what"], value)


STRIKES = {
    "signal": _send,
    "wait": _wait,
    "hang": _hang,
    "exit": _exit,
    "raise": _raise,
    "memory": _memory,
    "file-limit": _file_limit,
    "failing-calls": _failing_calls,
    "print": _print,
    "close": _close,
    "close-all": _close_range,
    "fork": _fork,
    "threads": _threads,
    "folder": _change_folder,
    "handlers": _change_handlers,
    "settings": _change_settings,
    "value": _change_value,
}
