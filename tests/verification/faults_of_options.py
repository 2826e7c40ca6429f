"""Faults of activations and poolings, as a careless port would have them."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from bench.contract import (
    RRELU_LOWEST,
    Conv,
    Dense,
    Draws,
    Dropout,
    EpochBatches,
    ModelOptions,
    ModelSpec,
    Pool,
)
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


class _OfLayer(Healthy):
    """A random layer that is another than the one that was asked for."""

    def train_epoch64(self, order, learning_rate):
        return super().train_epoch64(self.taken(order), learning_rate)

    def gradients64(self, indices, draws=()):
        return super().gradients64(indices, self.one(draws))

    def taken(self, order: EpochBatches) -> EpochBatches:
        return order

    def one(self, draws: Draws) -> Draws:
        return draws


class Unweighted(_OfLayer):
    """Dropout that scales neither in training nor in evaluation."""

    def model(self, model: ModelSpec) -> ModelSpec:
        return replace(model, layers=tuple(map(self._layer, model.layers)))

    def _layer(self, layer):
        return _UnscaledDropout(**asdict(layer)) if isinstance(layer, Dropout) else layer


class _UnscaledDropout(Dropout):
    scale = 1.0


class Inverted(_OfLayer):
    """Masks that tell what is dropped, taken for what is kept."""

    def one(self, draws: Draws) -> Draws:
        return tuple(~draw if draw.dtype == bool else draw for draw in draws)


class MasksAcross(_OfLayer):
    """The masks of a batch read feature by feature."""

    def one(self, draws: Draws) -> Draws:
        return tuple(draw.T.reshape(draw.shape) if draw.dtype == bool else draw for draw in draws)


class SidesExchanged(_OfLayer):
    """Slopes and noise of an image with height and width exchanged."""

    def one(self, draws: Draws) -> Draws:
        return tuple(draw.swapaxes(1, 2) if draw.ndim == 4 else draw for draw in draws)


class FirstStepForever(_OfLayer):
    """The numbers of an epoch's first step in all of its full batches."""

    def taken(self, order: EpochBatches) -> EpochBatches:
        steps = np.zeros(len(order.batches), np.intp)
        return replace(order, draws=tuple(draw[steps] for draw in order.draws))


class SmallestSlope(_OfLayer):
    """One slope for all."""

    def one(self, draws: Draws) -> Draws:
        return tuple(
            np.full_like(draw, RRELU_LOWEST) if draw.dtype != bool else draw for draw in draws
        )


class LeakyInEvaluation(_OfLayer):
    """The usual slope of leaky ReLU where rrelu has the mean of its slopes."""

    def predict64(self, images):
        lowest = replace(self._model, layers=tuple(map(self._leaky, self._model.layers)))
        usual, self._model = self._model, lowest
        try:
            return super().predict64(images)
        finally:
            self._model = usual

    def _leaky(self, layer):
        of_rrelu = isinstance(layer, Conv | Dense) and layer.activation == "rrelu"
        return replace(layer, activation="leakyrelu") if of_rrelu else layer


LEAKY, PRELU = ModelOptions("leakyrelu"), ModelOptions("prelu")
RANDOM = ModelOptions("rrelu", dropout=0.5, noise=0.1)
OF_RANDOM = ("random numbers, losses", "random numbers, weights")
OF_STEP = ("loss", "gradients", "training step, gradients", *OF_RANDOM)
SELU, AVERAGE = ModelOptions("selu"), ModelOptions(pooling="average")
OF_OPTIONS = (
    Fault("leaky ReLU without its leak", NoLeak, OF_NETWORK, MOMENTUM, LEAKY),
    Fault("ELU for SELU", Unscaled, OF_NETWORK, MOMENTUM, SELU),
    Fault("max for average", MaximumAfterAll, OF_NETWORK, MOMENTUM, AVERAGE),
    Fault("slopes that are not trained", FixedSlopes, ("weights",), MOMENTUM, PRELU),
    Fault("slopes that do not decay", UndecayedSlopes, ("weights",), MOMENTUM, PRELU),
    Fault("dropout that does not scale", Unweighted, OF_STEP, MOMENTUM, RANDOM),
    Fault("masks inverted", Inverted, OF_STEP, MOMENTUM, RANDOM),
    Fault("masks read across", MasksAcross, OF_STEP, MOMENTUM, RANDOM),
    Fault("slopes with sides exchanged", SidesExchanged, OF_STEP, MOMENTUM, RANDOM),
    Fault("one slope for all", SmallestSlope, OF_STEP, MOMENTUM, RANDOM),
    Fault("the first step's numbers forever", FirstStepForever, OF_RANDOM, MOMENTUM, RANDOM),
    Fault("leaky ReLU in evaluation", LeakyInEvaluation, ("logits",), MOMENTUM, RANDOM),
)
