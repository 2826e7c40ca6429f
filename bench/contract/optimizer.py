"""The description of an optimizer, every constant of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.choices import OptimizerName

EpsilonForm = Literal["outside", "inside", "hat"]


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """An optimizer, with every constant given; in PyTorch's definitions unless said otherwise.

    With gradient g, weight p, learning rate η, weight decay λ; t counts steps from 1:

    sgd      g ← g + λp;  v ← μv + g;  p ← p − ηv                              (v₀ = 0)
    rmsprop  g ← g + λp;  s ← αs + (1 − α)g²;  b ← μb + g/(√s + ε);  p ← p − ηb
    adam     g ← g + λp;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;
             p ← p − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
    adamw    p ← p − ηλp;  then as adam with λ = 0

    The learning rate is not part of it: it is given with every epoch and never enters a buffer.
    Source: the algorithm boxes of the torch.optim documentation (SGD, RMSprop, Adam, AdamW).

    The last three fields are for the definitions of other frameworks' own optimizers:

    epsilon_form      "inside", rmsprop: g/√(s + ε) in place of g/(√s + ε)
                      "hat", adam and adamw: p ← p − η · √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε), the
                      form before section 2.1 in Kingma & Ba, arXiv:1412.6980, with its ε̂
    rate_in_momentum  sgd: v ← μv + ηg;  p ← p − v.   rmsprop: b ← μb + ηg/(√s + ε);  p ← p − b
    decoupled_decay   p ← p − ηλp before the step, which then has λ = 0; adamw always does so
    """

    name: OptimizerName
    momentum: float = 0.0
    weight_decay: float = 0.0
    alpha: float = 0.99
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_form: EpsilonForm = "outside"
    rate_in_momentum: bool = False
    decoupled_decay: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """Where it leaves PyTorch's definitions, by the fields that say so; only what has effect.

        Of `epsilon_inside`, `epsilon_hat`, `rate_in_momentum` and `decoupled_decay`.
        """
        found = {
            f"epsilon_{self.epsilon_form}": self.epsilon_form != "outside" and self.name != "sgd",
            "rate_in_momentum": self.rate_in_momentum and "momentum" in self.buffers,
            "decoupled_decay": self.decoupled_decay and self.weight_decay and self.name != "adamw",
        }
        return tuple(form for form, used in found.items() if used)

    @property
    def buffers(self) -> tuple[str, ...]:
        """What it remembers of each parameter: `mean` is m, `square` v or s, `momentum` v or b."""
        match self.name:
            case "sgd":
                return ("momentum",) if self.momentum else ()
            case "rmsprop":
                return ("square", "momentum") if self.momentum else ("square",)
            case "adam" | "adamw":
                return ("mean", "square")
