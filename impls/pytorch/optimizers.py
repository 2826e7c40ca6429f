"""`OptimizerSpec` in `torch.optim`, every argument given."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from bench.contract import OptimizerSpec

UNSET_RATE = 0.0  # the learning rate is given with every epoch


def make_optimizer(spec: OptimizerSpec, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimizer, with empty buffers.

    `fused` does the whole update in one kernel, on the CPU as on a GPU. RMSprop has no fused form;
    `foreach`, which pays on a GPU only, is left to PyTorch to choose there.
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
                fused=True,
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
                fused=True,
            )
