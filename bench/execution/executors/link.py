"""The connection to a Dask scheduler: which hosts there are, and what is asked of them."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, UnavailableError, UsageError

CONNECT_S = 10.0
ANSWER_S = 30.0  # for a few kB that are there already
SLOT = "slot"  # the resource of which a worker has one for each measurement that it may do at once


class LostError(Exception):
    """A host, or the scheduler, does not answer any more; not a fault of what was asked for."""


@dataclass(frozen=True, slots=True)
class Host:
    """A Dask worker: on a host of its own, unless hosts are shared.

    label  what it is called in what is printed: the worker's name, or its address
    slots  how many measurements it may do at once, by its own account
    """

    address: str
    label: str
    slots: float


class Link:
    """Asks workers of a Dask scheduler."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def is_there(self) -> bool:
        """Whether the scheduler answers."""
        return bool(self._client.status == "running")

    def hosts(self) -> list[Host]:
        """Those that are there now.

        Raises:
            LostError: the scheduler does not answer.
        """
        workers = self._try(lambda: self._client.scheduler_info(n_workers=-1))["workers"]
        return [
            Host(
                address,
                address if one["name"] in (None, address) else str(one["name"]),
                float(one.get("resources", {}).get(SLOT, 0)),
            )
            for address, one in workers.items()
        ]

    def task(self, host: Host, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have it done in a thread of the host's worker, when its slot is free: Dask's future.

        Dask shall not do it again: what was lost is begun anew as a whole, by the parent.
        """
        return self._try(
            lambda: self._client.submit(
                function,
                *arguments,
                workers=[host.address],
                allow_other_workers=False,
                resources={SLOT: 1},
                retries=0,
                pure=False,
            )
        )

    def call(self, host: Host, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have it done at once, beside what goes on there.

        Raises:
            LostError: the host does not answer; or what it says of its failure.
        """
        found = self._try(
            lambda: self._client.run(function, *arguments, workers=[host.address], wait=True)
        )
        if host.address not in found:
            raise LostError("it is not there any more")
        return found[host.address]

    def result(self, future: Any) -> Any:
        """What a task has come to.

        Raises:
            LostError: it was lost; or what it says of its failure.
            BenchError: the task has raised it.
        """
        if future.status == "error":
            error = self._try(future.exception)
            if isinstance(error, BenchError):
                raise error
            raise LostError(f"{type(error).__name__}: {error}")
        if future.status != "finished":
            raise LostError(f"its task was {future.status}")
        try:
            # A host that is cut off once it is done has its task pinned to it: without a limit
            # Dask would wait for that host to come back.
            return future.result(timeout=ANSWER_S)
        except TimeoutError as error:
            raise LostError(f"what it answered does not arrive within {ANSWER_S:g} s") from error
        except Exception as error:
            raise LostError(str(error) or type(error).__name__) from error

    def cancel(self, future: Any) -> None:
        """Have no more use of a task; what it does already goes on."""
        if self.is_there():
            with contextlib.suppress(Exception):  # of a scheduler that has just gone
                future.cancel()

    def listen(self, topic: str, take: Callable[[str], None]) -> None:
        """Have each line that is told under the topic taken, by another thread than this one.

        Raises:
            LostError: the scheduler does not answer.
        """
        self._try(lambda: self._client.subscribe_topic(topic, lambda event: take(event[1])))

    def ignore(self, topic: str) -> None:
        """Have no more of it taken."""
        with contextlib.suppress(Exception):  # of a scheduler that is gone, too
            self._client.unsubscribe_topic(topic)

    def _try(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as error:  # Dask raises what a host raised, and much of its own
            raise LostError(str(error) or type(error).__name__) from error


def package(name: str) -> Any:
    """A package that only clusters need.

    Raises:
        UnavailableError: it, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"--on needs {error.name}: pip install 'lenet-bench[cluster]'"
        ) from error


@contextlib.contextmanager
def connected(address: str) -> Iterator[Link]:
    """To a scheduler that is there.

    Raises:
        UnavailableError: Dask is not installed.
        UsageError: nobody answers, or something that is no scheduler of this version.
    """
    try:
        with connected_to(address) as link:
            yield link
    except _NobodyError as error:
        raise UsageError(
            f"--on: no Dask scheduler answers at {address} ({error}): start one there with `dask "
            "scheduler`, of the version that is installed here"
        ) from error


@contextlib.contextmanager
def connected_to(target: Any) -> Iterator[Link]:
    """To a scheduler at an address, or to that of a cluster of Dask's."""
    client_class: Any = package("distributed").Client
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says, we say
    try:
        client: Any = client_class(target, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:  # whatever is at the address
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _NobodyError(reason) from error
    try:
        yield Link(client)
    finally:
        with contextlib.suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=CONNECT_S)


class _NobodyError(Exception):
    """Nobody answers."""
