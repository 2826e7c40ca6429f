"""Frameworks that fail: the NumPy reference with a fault in its second epoch."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

import numpy as np

from impls.reference.adapter import ReferenceAdapter


class _Faulty(ReferenceAdapter):
    def __init__(self):
        super().__init__()
        self._epoch = 0

    def train_epoch(self, order, learning_rate):
        self._epoch += 1
        if self._epoch == 2:
            return self.fault(order, learning_rate)
        return super().train_epoch(order, learning_rate)


class Killed(_Faulty):
    def fault(self, order, learning_rate):
        os.kill(os.getpid(), signal.SIGKILL)


class Segfault(_Faulty):
    def fault(self, order, learning_rate):
        ctypes.string_at(0)


class Hangs(_Faulty):
    def fault(self, order, learning_rate):
        time.sleep(600)


class Stubborn(_Faulty):
    def fault(self, order, learning_rate):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


class Raises(_Faulty):
    def fault(self, order, learning_rate):
        raise ValueError("the tensor has a cold")


class Diverges(_Faulty):
    def fault(self, order, learning_rate):
        losses = super().train_epoch(order, learning_rate).copy()
        losses[3:] = np.nan
        return losses


class Infinite(_Faulty):
    """Losses stay finite, the weights do not."""

    def fault(self, order, learning_rate):
        losses = super().train_epoch(order, learning_rate)
        self._broken = True
        return losses

    def export(self):
        parameters = super().export()
        if getattr(self, "_broken", False):
            parameters["conv1/bias"][0] = np.inf
        return parameters


class Chatty(_Faulty):
    """Writes to every descriptor that a library might write to, and closes standard output."""

    def fault(self, order, learning_rate):
        print('{"end": {"status": "failed", "reason": "forged"}}')
        for _ in range(2000):
            os.write(1, b'{"epoch": {"epoch_s": 0.0}}\n')
            os.write(2, b"warning: " + b"x" * 200 + b"\n")
        os.close(1)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return super().train_epoch(order, learning_rate)


class Slow(_Faulty):
    """Long enough in each epoch to be interrupted."""

    def train_epoch(self, order, learning_rate):
        time.sleep(0.1)
        return ReferenceAdapter.train_epoch(self, order, learning_rate)


class Unblocks(_Faulty):
    """Makes standard input non-blocking and wakes who reads of it, as Julia does; then hangs."""

    def fault(self, order, learning_rate):
        os.set_blocking(0, False)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        for thread in threading.enumerate():
            signal.pthread_kill(thread.ident, signal.SIGUSR1)
        print("unblocked", file=sys.stderr, flush=True)
        time.sleep(600)


class Flipped(ReferenceAdapter):
    """A true convolution instead of a cross-correlation; no fault but this."""

    def build(self, model, parameters, *others):
        super().build(model, {path: self._flip(p) for path, p in parameters.items()}, *others)

    def export(self):
        return {path: self._flip(p) for path, p in super().export().items()}

    def _flip(self, p):
        return p[::-1, ::-1] if p.ndim == 4 else p


class Twofold(ReferenceAdapter):
    """No fault; it tells its variant among its versions."""

    def __init__(self, variant=None):
        self._variant = variant

    def versions(self):
        return super().versions() | {"variant": str(self._variant)}


class Assassin(_Faulty):
    def fault(self, order, learning_rate):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)  # until its standard input ends
