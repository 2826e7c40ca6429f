"""What an adapter is: the model, the optimizer, the batch order and the canonical parameter tree.

Everything that crosses between the harness and a framework is defined here, and is NumPy.

Canonical layout
    images            float32 (N, H, W, C), normalised
    labels            int32 (N,)
    conv kernel       float32 (kernel_h, kernel_w, in_channels, out_channels), cross-correlation
    dense kernel      float32 (in_features, out_features)
    bias              float32 (out,)
    flatten order     H, W, C
Parameters are a flat mapping in the order of the layers: `conv1/kernel`, `conv1/bias`, ...
"""

from bench.contract.adapter import (
    Adapter,
    Device,
    Images,
    Indices,
    Labels,
    OptimizerState,
    Order,
    Parameters,
)
from bench.contract.model import (
    Activation,
    Conv,
    Dense,
    Flatten,
    Layer,
    MaxPool,
    ModelSpec,
    Shape,
)
from bench.contract.optimizer import EpsilonForm, OptimizerName, OptimizerSpec
from bench.contract.product import factor

__all__ = [
    "Activation",
    "Adapter",
    "Conv",
    "Dense",
    "Device",
    "EpsilonForm",
    "Flatten",
    "Images",
    "Indices",
    "Labels",
    "Layer",
    "MaxPool",
    "ModelSpec",
    "OptimizerName",
    "OptimizerSpec",
    "OptimizerState",
    "Order",
    "Parameters",
    "Shape",
    "factor",
]
