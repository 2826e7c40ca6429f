"""Which frameworks this run tests, on which device, from the environment; and what is `long`.

Every factor of a test is in the fast selection once: each optimizer on one network, each shape of
image with one optimizer, each activation, pooling and random layer in one network, both ends of
each journey of a state. Products of factors, further seeds and further sizes are `long`. What a
test takes is listed here, so that it can be seen at a glance what `make test` leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, cast, get_args

import pytest

from bench.choices import Device
from bench.contract import Adapter
from bench.errors import UnavailableError
from bench.frameworks import built_in, create, named
from bench.system import machine

# Test → the parameters that every run takes; those of a product are joined by a slash.
FAST: dict[str, tuple[object, ...]] = {
    # The certificate: of seeds that of the usual network, with plain SGD and one channel; of TENTH
    # average pooling with RReLU, whose draws stand for those of noise and dropout, three channels.
    "seed": (0,),
    "seed of another row": (1,),
    "number": (3,),
    # Forward and back: every shape of image; other sizes of a batch where they cost least.
    "batch": ("32x32x1/16", "32x32x3/16", "20x28x2/16", "uneven/16", "uneven/7", "uneven/1"),
    "gradients after training": ("20x28x2",),
    # Networks: one that has all activations, each in one layer. LeNet-5 with one of them in all, a
    # product of activation and pooling, and a network that is only wider, are long.
    "network": ("activations", "average", "lenet5-c5conv", "convnet", "padded"),
    "training of a network": ("padded",),  # slopes with frames
    "slopes": ("padded",),
    # What is random: each alone in a full batch (0), all together in a partial one (1), too.
    "random network": ("rrelu/0", "dropout/0", "noise/0", "all-random/0", "all-random/1"),
    "random evaluation": ("rrelu", "dropout", "noise", "all-random"),
    "training of a random network": ("all-random",),
    # Optimizers: each definition on the smooth network, which tells one from another; LeNet-5, with
    # sides that differ, shows that nothing of that depends on the network.
    "training of LeNet": ("20x28x2/sgd-momentum-decay",),
    "a rate of zero": ("sgd-momentum-decay", "adamw"),
    "compile": ("sgd-momentum-decay", "adam"),
    "kind of epoch": ("0/0", "0/7", "2/0"),  # both together are compiled in the test before
    "build": ("adam",),
    # An optimizer's state: every set of buffers restored, those with most of them in full.
    "buffers": ("sgd-momentum-decay", "rmsprop-momentum-decay", "adam-decay"),
    "optimizer": (  # those that another has in it, and the certificate besides, are long
        *("sgd", "sgd-momentum-decay", "rmsprop", "rmsprop-momentum-decay"),
        *("rmsprop-alpha-epsilon", "adam-decay", "adam-betas-epsilon", "adamw"),
    ),
    "going on": (  # network, whether a step has been taken
        *("adam-decay/uneven/True", "rmsprop-momentum-decay/uneven/False"),
    ),
    "another framework": (  # from the oracle, or to it
        *("sgd-momentum-decay/True", "rmsprop-momentum-decay/True", "adam-decay/True"),
        "adamw/False",
    ),
    "left behind": ("sgd-momentum-decay",),
    # Definitions of frameworks' own optimizers: each form once for each optimizer that it changes.
    "form": (
        *("sgd-rate_in_momentum", "sgd-decoupled_decay", "rmsprop-epsilon_form"),
        *("rmsprop-rate_in_momentum", "adam-epsilon_form", "adamw-epsilon_form"),
    ),
    # Generators of a framework's own; LeNet-5 takes XLA long to compile, a small network does not.
    "own": ("all-random-small",),
    "kind": ("dropout", "rrelu", "noise"),
}


def chosen(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The frameworks to test: those named and those required, or all built-in ones.

    UnknownNameError lists the valid names.
    """
    listed = _names(environment, "BENCH_FRAMEWORKS")
    listed = listed or [own.name for own in built_in() if own.name != "reference"]
    names = list(dict.fromkeys([*listed, *required(environment)]))
    return [named(name).name for name in names]


def required(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The frameworks whose absence is a failure."""
    return _names(environment, "BENCH_REQUIRE")


def device(environment: Mapping[str, str] = os.environ) -> Device:
    """Where the frameworks compute in this run."""
    given = environment.get("BENCH_DEVICE", "cpu")
    if given not in get_args(Device):
        raise ValueError(f"BENCH_DEVICE={given!r}: choose from {', '.join(get_args(Device))}")
    return cast(Device, given)


def obtain(name: str) -> Adapter:
    """The framework's adapter; where it cannot be had, the test fails or is skipped."""
    os.environ |= named(name).variables(device(), machine.instruction_sets())  # as in a run
    try:
        adapter = create(named(name))
    except UnavailableError as error:
        absent(name, str(error))
    if device() not in adapter.devices():
        absent(name, f"no {device()} here: {name} can use {', '.join(adapter.devices())}")
    return adapter


def refuses_networks(name: str) -> bool:
    """Whether its library has not all that the networks of these tests have in them.

    What it lacks is told by its `limits`, which have tests of their own.
    """
    return name in ("lux", "simplechains")


def is_on_jax(name: str) -> bool:
    """Whether XLA compiles all that it does."""
    return "jax" in named(name).modules


def absent(name: str, reason: str) -> NoReturn:
    """Fail where the framework was required, skip otherwise."""
    if name in required():
        pytest.fail(f"{name} was required (BENCH_REQUIRE): {reason}", pytrace=False)
    pytest.skip(f"{name}: {reason}")


def some(test: str, values: Iterable[Any]) -> list[Any]:
    """The parameters of a test: those that FAST has for it as they are, all others marked `long`.

    A tuple is one value of a product, and is called by its parts, joined by a slash.
    """
    fast, made, found = FAST[test], [], []
    for value in values:
        called = "/".join(map(str, value)) if isinstance(value, tuple) else value
        found.append(called)
        marks = () if called in fast else pytest.mark.long
        given = value if isinstance(value, tuple) else (value,)
        made.append(pytest.param(*given, marks=marks, id=str(called)))
    unknown = set(fast) - set(found)
    if unknown:  # a parameter that was renamed must not turn long unseen
        raise ValueError(f"FAST has parameters for {test!r} that it does not have: {unknown}")
    return made


def _names(environment: Mapping[str, str], variable: str) -> list[str]:
    return [name for name in environment.get(variable, "").replace(" ", "").split(",") if name]
