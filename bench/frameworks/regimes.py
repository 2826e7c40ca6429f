"""Two regimes: `matched`, everything equal, and `native`, what a framework's own defaults give.

`native` is what a person gets who types the layers and `Adam(lr)` and leaves the rest alone: the
framework's initialisation, its ε and where it stands, its decays, its form of momentum, none of the
switches that an expert sets on this CPU, and where something in the network is random, its own
layers and generator, seeded with the cell's seed.
`native.NAME` is matched but for the one default of that name, so that the gap between the regimes
can be laid to its causes.

What stays the same in every regime: the architecture, since layers, padding, pooling and sizes are
the network and not a default; data, split, order of the batches and precision; the learning rate,
for which there is always a number to type; and every value that a person did type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bench.choices import OptimizerName
from bench.contract import Generator, OptimizerSpec
from bench.errors import UnknownNameError
from bench.workload.initialisers import PYTORCH

MATCHED = "matched"
NATIVE = "native"
EACH = "each"
OF_SETTING = ("kernel", "bias", "generator", "switches")  # fields that are not the optimizer's


@dataclass(frozen=True, slots=True)
class Default:
    """One value of a framework's own that is not the matched one.

    name        what it is called in a cell's name: `epsilon` in keras-cpu-native.epsilon-seed0
    field       of `Setting`, one of OF_SETTING, or of `OptimizerSpec`
    value       what the framework has there
    source      the class and its argument, or the place in its sources
    optimizers  for which it holds; empty for what depends on none
    """

    name: str
    field: str
    value: Any
    source: str
    optimizers: tuple[OptimizerName, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a cell trains with: optimizer, distributions of its initial weights, random numbers.

    switches  whether the framework's process has the variables that an expert sets, see `Switch`
    """

    optimizer: OptimizerSpec
    kernel: str = PYTORCH
    bias: str = PYTORCH
    generator: Generator = "harness"
    switches: bool = True

    def changed(self, default: Default) -> Setting:
        """This setting with one framework's default in place of the matched value."""
        if default.field in OF_SETTING:
            return replace(self, **{default.field: default.value})
        return replace(self, optimizer=replace(self.optimizer, **{default.field: default.value}))

    def value(self, field: str) -> Any:
        """What it has in the field of a `Default`."""
        return getattr(self if field in OF_SETTING else self.optimizer, field)


def differing(
    defaults: Iterable[Default],
    matched: OptimizerSpec,
    *,
    decay_is_given: bool,
    kernel_given: str | None = None,
    bias_given: str | None = None,
    is_random: bool = False,
    has_switches: bool = False,
) -> tuple[Default, ...]:
    """Those of a framework's defaults that change something in training with this optimizer.

    `decay_is_given` says that a person typed the weight decay, which then stays, as do
    distributions of initial weights that were given. A form of momentum without momentum, or of a
    decay that is 0, changes nothing; nor does a generator, but where something in the network
    `is_random`, or the absence of switches where there are none on this CPU.
    """
    typed = {"kernel": kernel_given, "bias": bias_given}

    def differs(default: Default) -> bool:
        if default.optimizers and matched.name not in default.optimizers:
            return False
        if default.field == "weight_decay" and decay_is_given:
            return False
        if default.field == "generator" and not is_random:
            return False
        if default.field == "switches" and not has_switches:
            return False
        if typed.get(default.field) is not None:
            return False
        changed = Setting(matched).changed(default)
        if default.field in ("rate_in_momentum", "decoupled_decay"):
            return changed.optimizer.forms != matched.forms
        return changed != Setting(matched)

    return tuple(default for default in defaults if differs(default))


def setting(
    regime: str,
    matched: OptimizerSpec,
    own: tuple[Default, ...],
    *,
    kernel: str | None = None,
    bias: str | None = None,
) -> Setting:
    """What a cell of this regime trains with; `own` are the framework's `differing` defaults.

    `kernel` and `bias` are distributions of initial weights that a person gave.

    Raises UnknownNameError for a regime that the framework does not have.
    """
    chosen = {MATCHED: (), NATIVE: own} | {f"{NATIVE}.{one.name}": (one,) for one in own}
    if regime not in chosen:
        raise UnknownNameError("regime", regime, chosen)
    result = Setting(matched, kernel or PYTORCH, bias or PYTORCH)
    for default in chosen[regime]:
        result = result.changed(default)
    return result


def names(asked: Iterable[str], own: Iterable[Default]) -> list[str]:
    """The regimes of a framework's cells: `each` stands for one cell a differing default."""
    found: list[str] = []
    for regime in asked:
        found += [f"{NATIVE}.{one.name}" for one in own] if regime == EACH else [regime]
    return found
