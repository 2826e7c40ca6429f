"""`OptimizerSpec` in `torch.optim`, every argument given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.contract import OptimizerSpec

UNSET_RATE = 0.0  # the learning rate is given with every epoch

# The contract's names of buffers → PyTorch's, for each optimizer.
BUFFERS = {
    "sgd": {"momentum": "momentum_buffer"},
    "rmsprop": {"square": "square_avg", "momentum": "momentum_buffer"},
    "adam": {"mean": "exp_avg", "square": "exp_avg_sq"},
    "adamw": {"mean": "exp_avg", "square": "exp_avg_sq"},
}


def make_optimizer(
    spec: OptimizerSpec, parameters: Iterable[Tensor], *, fused: bool | None = True
) -> Optimizer:
    """The optimizer, with empty buffers.

    `fused` does the whole update in one kernel, on the CPU as on a GPU; None leaves the form to
    PyTorch. RMSprop has no fused form; `foreach`, which pays on a GPU only, is left to PyTorch
    there.
    """
    match spec.name:
        case "sgd":
            return torch.optim.SGD(
                parameters,
                lr=UNSET_RATE,
                momentum=spec.momentum,
                dampening=0.0,
                weight_decay=spec.weight_decay,
                nesterov=False,
                maximize=False,
                fused=fused,
            )
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters,
                lr=UNSET_RATE,
                alpha=spec.alpha,
                eps=spec.epsilon,
                weight_decay=spec.weight_decay,
                momentum=spec.momentum,
                centered=False,
                maximize=False,
                foreach=None,
            )
        case "adam" | "adamw":
            kind = torch.optim.Adam if spec.name == "adam" else torch.optim.AdamW
            return kind(
                parameters,
                lr=UNSET_RATE,
                betas=(spec.beta1, spec.beta2),
                eps=spec.epsilon,
                weight_decay=spec.weight_decay,
                amsgrad=False,
                maximize=False,
                fused=fused,
            )


def buffer(optimizer: Optimizer, spec: OptimizerSpec, name: str) -> list[Tensor]:
    """A buffer by the contract's name, a tensor a parameter; zeros before the first step."""
    own = BUFFERS[spec.name][name]
    parameters = optimizer.param_groups[0]["params"]
    found = (optimizer.state[p].get(own) if p in optimizer.state else None for p in parameters)
    return [
        torch.zeros_like(p) if tensor is None else tensor
        for p, tensor in zip(parameters, found, strict=True)
    ]


def set_state(
    optimizer: Optimizer, spec: OptimizerSpec, steps: int, buffers: Mapping[str, Iterable[Tensor]]
) -> None:
    """Go on after so many steps with these buffers, each in the parameters' order and layout.

    Without a step PyTorch holds no state, and makes its zeros in the first.
    """
    content = optimizer.state_dict()
    names = [BUFFERS[spec.name][name] for name in buffers]
    rows = zip(*buffers.values(), strict=True) if buffers and steps else ()
    # Each parameter has a count of its own; `load_state_dict` puts it where the optimizer wants it.
    content["state"] = {
        index: dict(zip(names, row, strict=True)) | {"step": torch.tensor(float(steps))}
        for index, row in enumerate(rows)
    }
    optimizer.load_state_dict(content)
