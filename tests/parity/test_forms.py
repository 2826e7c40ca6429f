"""The definitions of other frameworks' own optimizers: against the oracle, and against themselves.

What the regime `native` says that a framework's defaults are is held against the framework's own
classes, made as a person would who types nothing but a learning rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.contract import Adapter, Conv, Dense, OptimizerSpec, require_optimizer
from bench.errors import NotSupportedError
from bench.frameworks import named, regimes
from bench.workload.initialisers import bias, kernel
from impls.reference.adapter import ReferenceAdapter
from impls.reference.optimizers import Optimizer

from .problems import problem
from .selection import some
from .test_training import MOVED, Case, _train_and_compare

STEPS, CHANGE_AT = 20, 8
SPECS = {
    "sgd": OptimizerSpec("sgd"),
    "sgd-momentum": OptimizerSpec("sgd", momentum=0.9),
    "rmsprop": OptimizerSpec("rmsprop"),
    "rmsprop-momentum": OptimizerSpec("rmsprop", momentum=0.9),
    "adam": OptimizerSpec("adam"),
    "adamw": OptimizerSpec("adamw", weight_decay=1e-2),
}
RATES = {"sgd": 0.05, "rmsprop": 3e-5, "adam": 1e-3, "adamw": 1e-3}


def native(framework: str, spec: OptimizerSpec) -> OptimizerSpec:
    own = regimes.differing(named(framework).own, spec, decay_is_given=False)
    return regimes.setting("native", spec, own).optimizer


def _forms() -> dict[str, Case]:
    """Each form by itself and all of an optimizer's together, with a decay that both ways show."""
    cases = {}
    for name, fields in {
        "sgd": {"rate_in_momentum": True, "decoupled_decay": True},
        "rmsprop": {"epsilon_form": "inside", "rate_in_momentum": True, "decoupled_decay": True},
        "adam": {"epsilon_form": "hat", "decoupled_decay": True},
        "adamw": {"epsilon_form": "hat"},
    }.items():
        momentum = 0.9 if name in ("sgd", "rmsprop") else 0.0
        rate = 1e-5 if name == "rmsprop" else RATES[name]
        chosen = [{field: value} for field, value in fields.items()] + [fields]
        for forms in chosen:
            # ε of a size that its place shows.
            epsilon = 1e-6 if "epsilon_form" in forms else 1e-8
            spec = OptimizerSpec(
                name, momentum=momentum, weight_decay=1e-3, epsilon=epsilon, **forms
            )
            cases[f"{name}-{'-'.join(forms)}"] = Case(spec, rate)
    return cases


def test_the_names_of_keras_s_own_buffers(framework: str) -> None:
    """Of each optimizer all that the contract has: what is missing could not travel."""
    if framework != "keras":
        pytest.skip("the module is Keras's")
    from impls.keras.stock import BUFFERS

    for name in SPECS:
        kind, _, momentum = name.partition("-")
        spec = OptimizerSpec(kind, momentum=0.9 if momentum else 0.0)
        assert set(BUFFERS[spec.name]) >= set(spec.buffers)


FORMS = _forms()
# PyTorch's, in every optimizer.
DEFINITIONS = {"epsilon_form": "outside", "rate_in_momentum": False, "decoupled_decay": False}


@pytest.mark.parametrize("name", some("form", FORMS))
def test_a_form_is_computed_or_refused(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, name: str
) -> None:
    case = FORMS[name]
    task = problem("smooth")
    own = native(framework, replace(case.spec, **DEFINITIONS))
    if framework != "reference" and set(case.spec.forms) - set(own.forms):
        refused = f"{framework} cannot compute {case.spec.name} with"
        with pytest.raises(NotSupportedError, match=refused):
            require_optimizer(adapter, case.spec, framework)
        return
    require_optimizer(adapter, case.spec, framework)
    _train_and_compare(adapter, framework, oracle, task, case, MOVED)


@pytest.mark.parametrize("name", SPECS)
def test_every_default_can_be_built_alone(adapter: Adapter, framework: str, name: str) -> None:
    spec = SPECS[name]
    own = regimes.differing(named(framework).own, spec, decay_is_given=False)
    for regime in ("native", *(f"native.{default.name}" for default in own)):
        optimizer = regimes.setting(regime, spec, own).optimizer
        require_optimizer(adapter, optimizer, framework)
        problem("smooth").start(adapter, optimizer)


def _array(variable: Any) -> np.ndarray:
    """Of a Keras variable on any backend."""
    value = variable.value
    value = value.detach() if hasattr(value, "detach") else value
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def _keras(name: str, start: np.ndarray, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    import keras

    made = {
        "sgd": lambda lr: keras.optimizers.SGD(lr),
        "sgd-momentum": lambda lr: keras.optimizers.SGD(lr, momentum=0.9),
        "rmsprop": lambda lr: keras.optimizers.RMSprop(lr),
        "rmsprop-momentum": lambda lr: keras.optimizers.RMSprop(lr, momentum=0.9),
        "adam": lambda lr: keras.optimizers.Adam(lr),
        "adamw": lambda lr: keras.optimizers.AdamW(lr),
    }
    weights = keras.Variable(start)
    optimizer = made[name](float(rates[0]))
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.learning_rate = float(rate)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
    return _array(weights)


def _keras_on_torch(*given: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        return _keras(*given)


def _flax(name: str, start: np.ndarray, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    import jax.numpy as jnp
    import optax

    rate = lambda count: jnp.asarray(rates)[count]  # noqa: E731
    transform = {
        "sgd": lambda: optax.sgd(rate),
        "sgd-momentum": lambda: optax.sgd(rate, momentum=0.9),
        "rmsprop": lambda: optax.rmsprop(rate),
        "rmsprop-momentum": lambda: optax.rmsprop(rate, momentum=0.9),
        "adam": lambda: optax.adam(rate),
        "adamw": lambda: optax.adamw(rate),
    }[name]()
    weights, state = jnp.asarray(start), transform.init(jnp.asarray(start))
    for gradient in gradients:
        updates, state = transform.update(jnp.asarray(gradient), state, weights)
        weights = optax.apply_updates(weights, updates)
    return np.asarray(weights)


def _torch(name: str, start: np.ndarray, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    import torch

    weights = torch.nn.Parameter(torch.tensor(start))
    optimizer = {
        "sgd": lambda: torch.optim.SGD([weights], lr=0.1),
        "sgd-momentum": lambda: torch.optim.SGD([weights], lr=0.1, momentum=0.9),
        "rmsprop": lambda: torch.optim.RMSprop([weights], lr=0.1),
        "rmsprop-momentum": lambda: torch.optim.RMSprop([weights], lr=0.1, momentum=0.9),
        "adam": lambda: torch.optim.Adam([weights], lr=0.1),
        "adamw": lambda: torch.optim.AdamW([weights], lr=0.1),
    }[name]()
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = float(rate)
        weights.grad = torch.tensor(gradient)
        optimizer.step()
    return weights.detach().numpy()


def _flux(name: str, start: np.ndarray, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    from juliacall import Main

    rules = {
        "sgd": "Flux.Descent()",
        "sgd-momentum": "Flux.Momentum()",
        "rmsprop": "Flux.RMSProp()",
        "adam": "Flux.Adam()",
        "adamw": "Flux.AdamW()",
    }
    if name not in rules:
        pytest.skip(f"flux: Optimisers.jl has no {name}")
    train = Main.seval(
        """
        import Flux
        function (rule, start, gradients, rates)
            model = (; weights=Array(start))
            state = Flux.setup(rule, model)
            for (gradient, rate) in zip(eachcol(gradients), rates)
                Flux.adjust!(state, oftype(rule.eta, rate))
                Flux.update!(state, model, (; weights=Array(gradient)))
            end
            return model.weights
        end
        """
    )
    return np.array(train(Main.seval(rules[name]), start, gradients.T, rates))


# Each framework's optimizers as a person makes them: (name, start, gradients, rates) → weights.
OWN: dict[str, Callable[..., np.ndarray]] = {
    "keras": _keras,
    "keras:jax": _keras,
    "keras:torch": _keras_on_torch,
    "flax": _flax,
    "equinox": _flax,  # Optax, too
    "flux": _flux,
    "torch": _torch,
}


@pytest.mark.parametrize("name", SPECS)
def test_the_native_regime_is_what_a_person_gets(
    adapter: Adapter, framework: str, name: str
) -> None:
    """The framework's class with nothing but a learning rate, against the oracle's native rule.

    Gradients from 1e-8 to 1, so that ε and its place show.
    """
    if framework not in OWN:
        pytest.skip(f"{framework}: no optimizer of its own is held against its defaults here")
    draw = np.random.default_rng(0)
    start = draw.uniform(-0.1, 0.1, 400).astype(np.float32)
    sizes = 10.0 ** draw.uniform(-8, 0, 400)
    gradients = (draw.standard_normal((STEPS, 400)) * sizes).astype(np.float32)
    rates = np.where(np.arange(STEPS) < CHANGE_AT, 1.0, 0.25) * RATES[SPECS[name].name]
    got = OWN[framework](name, start, gradients, rates.astype(np.float32))
    tree = {"p": start.astype(np.float64)}
    rule = Optimizer(native(framework, SPECS[name]), tree)
    for gradient, rate in zip(gradients, rates, strict=True):
        rule.update(tree, {"p": gradient.astype(np.float64)}, float(rate))
    # Each weight by itself: float32 rounds a weight of 0.1 by 4e-9, an update by 1e-6 of it, and
    # Optax corrects Adam's bias in float32, which is good for 1e-4 in the first steps.
    way = np.abs(tree["p"] - start) + RATES[SPECS[name].name] * 1e-2
    assert np.abs(got - tree["p"]).max() < 2e-7 + 1e-3 * way.max()
    assert (np.abs(got - tree["p"]) < 2e-7 + 2e-3 * way).all()


def _drawn_keras() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    import keras

    conv = keras.layers.Conv2D(64, 5)
    conv.build((None, 32, 32, 32))
    dense = keras.layers.Dense(300)
    dense.build((None, 400))
    return {
        "conv": tuple(_array(v) for v in (conv.kernel, conv.bias)),
        "dense": tuple(_array(v) for v in (dense.kernel, dense.bias)),
    }


def _drawn_flax() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from flax import nnx

    rngs = nnx.Rngs(0)
    conv, dense = nnx.Conv(32, 64, kernel_size=(5, 5), rngs=rngs), nnx.Linear(400, 300, rngs=rngs)
    return {
        "conv": (np.asarray(conv.kernel[...]), np.asarray(conv.bias[...])),
        "dense": (np.asarray(dense.kernel[...]), np.asarray(dense.bias[...])),
    }


def _drawn_equinox() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    import equinox
    import jax

    one, other = jax.random.split(jax.random.key(0))
    conv = equinox.nn.Conv2d(32, 64, 5, key=one)
    dense = equinox.nn.Linear(400, 300, key=other)
    return {
        "conv": (np.transpose(conv.weight, (2, 3, 1, 0)), np.ravel(conv.bias)),
        "dense": (np.transpose(dense.weight), np.asarray(dense.bias)),
    }


def _drawn_torch() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    import torch

    conv, dense = torch.nn.Conv2d(32, 64, 5), torch.nn.Linear(400, 300)
    return {
        "conv": (
            conv.weight.detach().numpy().transpose(2, 3, 1, 0),
            conv.bias.detach().numpy(),
        ),
        "dense": (dense.weight.detach().numpy().T, dense.bias.detach().numpy()),
    }


def _drawn_flux() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from juliacall import Main

    conv, dense = Main.seval("import Flux; (Flux.Conv((5, 5), 32 => 64), Flux.Dense(400 => 300))")
    return {
        "conv": (np.array(conv.weight), np.array(conv.bias)),  # (kernel_w, kernel_h, in, out)
        "dense": (np.array(dense.weight).T, np.array(dense.bias)),
    }


DRAWN: dict[str, Callable[[], Any]] = {
    "keras": _drawn_keras,
    "keras:jax": _drawn_keras,
    "keras:torch": _drawn_keras,
    "flax": _drawn_flax,
    "equinox": _drawn_equinox,
    "flux": _drawn_flux,
    "torch": _drawn_torch,
}


@pytest.mark.parametrize(
    "layer", [Conv("conv", (5, 5), 32, 64, "none"), Dense("dense", 400, 300, "none")]
)
def test_native_initial_weights_are_distributed_as_the_frameworks_own(
    adapter: Adapter, framework: str, layer: Conv | Dense
) -> None:
    """51,200 and 120,000 values: their deviation is known to 0.5 %, their quantiles to 1 %."""
    if framework not in DRAWN:
        pytest.skip(f"{framework}: no layers of its own are held against its defaults here")
    own = regimes.differing(named(framework).own, OptimizerSpec("sgd"), decay_is_given=False)
    setting = regimes.setting("native", OptimizerSpec("sgd"), own)
    draw = np.random.default_rng(1)
    ours = kernel(setting.kernel, layer, draw.random(layer.kernel_shape))
    ours_bias = bias(setting.bias, layer, draw.random(layer.bias_shape))
    theirs, theirs_bias = DRAWN[framework]()[layer.name]
    assert theirs.shape == ours.shape
    assert theirs.std() == pytest.approx(ours.std(), rel=0.02)
    assert np.abs(theirs).max() == pytest.approx(np.abs(ours).max(), rel=0.01)
    for share in (0.05, 0.25, 0.75, 0.95):
        assert np.quantile(theirs, share) == pytest.approx(np.quantile(ours, share), rel=0.04)
    if ours_bias.any():
        assert np.abs(theirs_bias).max() == pytest.approx(np.abs(ours_bias).max(), rel=0.1)
    else:
        assert not theirs_bias.any()
