"""Keras's backend, which is one for the whole life of a process."""

from __future__ import annotations

import os

import keras

from bench.errors import UnavailableError


def require(name: str) -> None:
    """UnavailableError where Keras runs on another backend than this one.

    It takes the backend that KERAS_BACKEND names when it is imported, or else that of a person's
    keras.json; a run sets the variable for each row.
    """
    found = keras.backend.backend()
    if found != name:
        given = os.environ.get("KERAS_BACKEND")
        why = f"KERAS_BACKEND is {given!r}" if given else "KERAS_BACKEND is not set"
        raise UnavailableError(
            f"Keras runs on the backend {found!r} in this process ({why}), and this adapter needs "
            f"{name!r}: take a new process with KERAS_BACKEND={name}"
        )


def packages() -> dict[str, str]:
    """Keras's version."""
    return {"keras": str(keras.__version__)}
