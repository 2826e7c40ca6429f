"""What an adapter is: the model, the optimizer, the batch order and the canonical parameter tree.

Everything that crosses between the harness and a framework is defined here, and is NumPy.

Canonical layout
    images            float32 (N, H, W, C), normalised
    labels            int32 (N,)
    conv kernel       float32 (kernel_h, kernel_w, in_channels, out_channels), cross-correlation
    dense kernel      float32 (in_features, out_features)
    bias              float32 (out,)
    slope             float32 (1,), of an activation that learns one
    flatten order     H, W, C
    draws             bool or float32 (steps, B, *shape): what is random in training, see `Drawn`
Parameters are a flat mapping in the order of the layers: `conv1/kernel`, `conv1/bias`, ...

An adapter begins with `AdapterBase`; its module says what must be there and what may be.
"""

from bench.choices import Activation, Device, OptimizerName, Pooling
from bench.contract.activations import (
    FIRST_SLOPE,
    KINKED,
    LEAKY_SLOPE,
    RRELU_HIGHEST,
    RRELU_LOWEST,
    RRELU_MEAN,
    SELU_ALPHA,
    SELU_SCALE,
)
from bench.contract.adapter import (
    Adapter,
    Images,
    Labels,
    Matrix,
    OptimizerState,
    Parameters,
)
from bench.contract.asking import compile_for, require_form, require_optimizer
from bench.contract.base import AdapterBase
from bench.contract.batches import BatchGroup, EpochBatches, Indices, blank_epoch
from bench.contract.layer_draws import blank_draws, is_random, require_draws, zip_layers_with_draws
from bench.contract.layers import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    ImageShape,
    Layer,
    ModelOptions,
    ModelSpec,
    Noise,
    Pool,
    Shape,
    Weighted,
    parts,
)
from bench.contract.optimizer import EpsilonForm, OptimizerSpec
from bench.contract.product import factor
from bench.contract.random_inputs import DrawKind, Drawn, Draws, Generator
from bench.contract.step_parts import Gather, Layers, Loss, StepPart, StepWork, Update
from bench.errors import NotSupportedError

# The name that the adapters of others know, and earlier versions.
Order = EpochBatches

__all__ = [
    "FIRST_SLOPE",
    "KINKED",
    "LEAKY_SLOPE",
    "RRELU_HIGHEST",
    "RRELU_LOWEST",
    "RRELU_MEAN",
    "SELU_ALPHA",
    "SELU_SCALE",
    "Activation",
    "Adapter",
    "AdapterBase",
    "BatchGroup",
    "Conv",
    "Dense",
    "Device",
    "DrawKind",
    "Drawn",
    "Draws",
    "Dropout",
    "EpochBatches",
    "EpsilonForm",
    "Flatten",
    "Gather",
    "Generator",
    "ImageShape",
    "Images",
    "Indices",
    "Labels",
    "Layer",
    "Layers",
    "Loss",
    "Matrix",
    "ModelOptions",
    "ModelSpec",
    "Noise",
    "NotSupportedError",
    "OptimizerName",
    "OptimizerSpec",
    "OptimizerState",
    "Order",
    "Parameters",
    "Pool",
    "Pooling",
    "Shape",
    "StepPart",
    "StepWork",
    "Update",
    "Weighted",
    "blank_draws",
    "blank_epoch",
    "compile_for",
    "factor",
    "is_random",
    "parts",
    "require_draws",
    "require_form",
    "require_optimizer",
    "zip_layers_with_draws",
]
