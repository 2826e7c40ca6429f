"""Faults of activations and poolings, as a careless port would have them."""

from __future__ import annotations

from dataclasses import replace

from bench.contract import Conv, Dense, ModelOptions, ModelSpec, Pool
from impls.reference.optimizers import Array, Optimizer

from .faults import MOMENTUM, OF_NETWORK, Fault, Healthy


class _InPlaceOf(Healthy):
    """Another activation or pooling than the one that was asked for."""

    activation: str | None = None
    pooling: str | None = None

    def model(self, model: ModelSpec) -> ModelSpec:
        return replace(model, layers=tuple(map(self._layer, model.layers)))

    def _layer(self, layer):
        if isinstance(layer, Pool) and self.pooling:
            return replace(layer, kind=self.pooling)
        if isinstance(layer, Conv | Dense) and layer.activation != "none" and self.activation:
            return replace(layer, activation=self.activation)
        return layer


class NoLeak(_InPlaceOf):
    activation = "relu"


class Unscaled(_InPlaceOf):
    activation = "elu"


class MaximumAfterAll(_InPlaceOf):
    pooling = "max"


class _SlopesApart(Optimizer):
    """An update that leaves slopes as they are."""

    def update(self, parameters, gradients, rate):
        before = {path: p for path, p in parameters.items() if path.endswith("/slope")}
        super().update(parameters, gradients, rate)
        parameters.update(before)


class FixedSlopes(Healthy):
    optimizer_class = _SlopesApart


class _NoDecayOfSlopes(Optimizer):
    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        if path.endswith("/slope"):
            return self._descended(path, p, g, rate)
        return super()._sgd(path, p, g, rate)


class UndecayedSlopes(Healthy):
    """As torch.nn.PReLU's documentation advises, and no optimizer does by itself."""

    optimizer_class = _NoDecayOfSlopes


LEAKY, PRELU = ModelOptions("leakyrelu"), ModelOptions("prelu")
SELU, AVERAGE = ModelOptions("selu"), ModelOptions(pooling="average")
OF_OPTIONS = (
    Fault("leaky ReLU without its leak", NoLeak, OF_NETWORK, MOMENTUM, LEAKY),
    Fault("ELU for SELU", Unscaled, OF_NETWORK, MOMENTUM, SELU),
    Fault("max for average", MaximumAfterAll, OF_NETWORK, MOMENTUM, AVERAGE),
    Fault("slopes that are not trained", FixedSlopes, ("weights",), MOMENTUM, PRELU),
    Fault("slopes that do not decay", UndecayedSlopes, ("weights",), MOMENTUM, PRELU),
)
