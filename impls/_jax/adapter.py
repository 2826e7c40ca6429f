"""An adapter on JAX, but for the library that its network is written in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal

import jax
import jaxlib.version
import numpy as np
import optax
from numpy.typing import NDArray

from bench.contract import (
    AdapterBase,
    BatchGroup,
    Device,
    Draws,
    EpochBatches,
    Gather,
    Images,
    Indices,
    Labels,
    Layers,
    Loss,
    Matrix,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    StepPart,
    StepWork,
    Update,
    require_draws,
)
from bench.errors import NotSupportedError
from impls._jax.compilations import COMPILED
from impls._jax.devices import check_threads, device_of, gpus, pool_threads
from impls._jax.optimizers import FORMS, OptaxRule
from impls._jax.step_parts import gathered, loss_and_pull, pulled, repeated
from impls._jax.training import (
    Data,
    Network,
    Random,
    Rule,
    State,
    Train,
    Tree,
    logits_of,
    loss_and_gradients,
    product,
    trainer,
)

PREDICT_BATCH = 1000  # one shape, so one compilation, for any number of images


class JaxAdapter(AdapterBase):
    """Training in JAX's functional form: a step is a pure function from a state to the next.

    A library's adapter says what its network computes, and where each parameter is in it:
    `network`, `to_tree`, `to_canonical` and `packages`. It may have optimizers of its own, and
    random numbers: `rule` and `random`.

    On a GPU an epoch is one call, a scan over its batches: no step waits for Python. On a CPU it is
    a call a step, since XLA's CPU compiler brings the convolutions of a gradient into the form that
    its fast kernels take only outside of loops; within a scan a step takes four times as long. The
    variants `scan` and `step` do the one or the other on every device.
    """

    optimizers = FORMS
    changed_by_steps = ("_state", "_taken")
    dispatches_ahead = True

    _device: jax.Device
    _scans: bool
    _spec: ModelSpec
    _optimizer: OptimizerSpec
    _taken: int  # steps; not every transform of Optax counts them
    _network: Network
    _rule: Rule
    _train: Train
    _state: State
    _data: Data
    _executables: dict[tuple[int, ...], Callable[..., Any]]  # by the shape of the indices
    _counted = 0  # compilations, when `compiled_since` was asked last

    def __init__(self, variant: Literal["scan", "step"] | None = None) -> None:
        self._variant = variant

    @abstractmethod
    def network(self, model: ModelSpec) -> Network:
        """The network of this description, without its parameters."""

    @abstractmethod
    def to_tree(self, model: ModelSpec, canonical: Parameters) -> Tree:
        """Canonical arrays in the library's arrangement and layout; may be views."""

    @abstractmethod
    def to_canonical(self, model: ModelSpec, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """The way back, of a tree of NumPy arrays: parameters, gradients or buffers."""

    @abstractmethod
    def packages(self) -> dict[str, str]:
        """The versions of the library, and of what no other adapter on JAX has."""

    def rule(self, optimizer: OptimizerSpec) -> Rule:
        """What updates the parameters: Optax; called after `network`."""
        return OptaxRule(optimizer)

    def random(self, seed: int) -> Random:
        """The state that the network draws from, where it draws by itself: a key."""
        return jax.random.key(seed)

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu", "gpu") if gpus() else ("cpu",)

    def make_deterministic(self) -> None:
        """On the CPU, XLA sums in one order that the threads do not change."""

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build` and, for the threads, `check_threads`."""
        check_threads(threads)
        self._device = device_of(device)
        self._scans = device == "gpu" if self._variant is None else self._variant == "scan"
        self._spec, self._optimizer, self._taken = model, optimizer, 0
        self._network = self.network(model)
        self._rule = self.rule(optimizer)
        tree = self._placed(parameters)
        seed = model.generator_seed
        self._state = State(
            tree,
            jax.device_put(self._rule.init(tree), self._device),
            None if seed is None else jax.device_put(self.random(seed), self._device),
        )
        self._train = trainer(self._network, self._rule)
        self._executables = {}

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; the whole set lies in the device's memory."""
        self._data = jax.device_put((images, labels), self._device)
        self._executables = {}

    @property
    def compiles_for_steps(self) -> bool:
        """See `AdapterBase.compiles_for_steps`."""
        return self._scans

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        rate = np.float32(learning_rate)
        losses = [np.empty(0, np.float32)]  # something to join, in an epoch without steps too
        for group in epoch.groups:
            for indices, draws in self._calls(group):
                train = self._executable(indices, draws)
                self._state, loss = train(self._state, self._data, indices, rate, draws)
                losses.append(loss)
        self._taken += epoch.steps
        return np.hstack(jax.device_get(losses))

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`; the last batch is filled up with images of zeros."""
        padding = [(0, -len(images) % PREDICT_BATCH), (0, 0), (0, 0), (0, 0)]
        batches = np.pad(images, padding).reshape(-1, PREDICT_BATCH, *self._spec.input_shape)
        logits = [
            logits_of(self._network, self._state.parameters, jax.device_put(batch, self._device))
            for batch in batches
        ]
        return np.concatenate(jax.device_get(logits))[: len(images)]

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        require_draws(self._spec, draws)
        (loss, _), tree = loss_and_gradients(
            self._network, self._state.parameters, self._data, indices, draws, self._state.random
        )
        return float(loss), self._fetched(tree)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return self._fetched(self._state.parameters)

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {
            name: self._fetched(self._rule.buffer(self._state.buffers, name))
            for name in self._optimizer.buffers
        }
        return OptimizerState(self._taken, buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        buffers = {name: self._placed(state.buffers[name]) for name in self._optimizer.buffers}
        restored = self._rule.set_state(self._state.buffers, state.steps, buffers)
        self._state = self._state._replace(buffers=jax.device_put(restored, self._device))
        self._taken = state.steps

    def synchronize(self) -> None:
        """All that was queued ends in the data or in the state."""
        queued = (getattr(self, "_data", None), getattr(self, "_state", None))
        jax.block_until_ready(queued)

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`; all of XLA's compilations in this process."""
        before, self._counted = self._counted, COMPILED.times
        return self._counted != before

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`."""
        factor = found = jax.device_put(matrix, self._device)
        for _ in range(times):
            found = product(factor, found)
        return np.asarray(found)

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`."""
        images, labels = self._data
        tree = self._state.parameters
        match part:
            case Gather(rows=rows):
                return repeated(
                    gathered,
                    (images, labels, self._put(rows)),
                    lambda made: dict(zip(("images", "labels"), made, strict=True)),
                )
            case Layers(above=above, inputs=inputs, parameters=parameters):

                def named(made: Any) -> dict[str, NDArray[np.float32]]:
                    output, of_images, of_parameters = made
                    return {
                        "output": output,
                        **({"inputs": of_images} if inputs else {}),
                        **(self.to_canonical(self._spec, of_parameters) if parameters else {}),
                    }

                function = pulled(self._network, inputs=inputs, parameters=parameters)
                return repeated(function, (tree, images, self._put(above)), named)
            case Loss(logits=logits):
                return repeated(
                    loss_and_pull,
                    (self._put(logits), labels),
                    lambda made: dict(zip(("loss", "logits"), made, strict=True)),
                )
            case Update(gradients=gradients, learning_rate=rate):
                given = (tree, self._placed(gradients), self._state.buffers, np.float32(rate))
                return repeated(
                    self._rule.update, given, lambda made: self.to_canonical(self._spec, made[0])
                )

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        device = getattr(self, "_device", jax.devices()[0])
        return {
            **self.packages(),
            "optax": optax.__version__,
            "jax": jax.__version__,
            "jaxlib": jaxlib.version.__version__,
            "numpy": np.__version__,
            "xla_platform": device.client.platform_version,
            "precision": "highest (float32)",
            "cpu_threads": str(pool_threads()),
        }

    def memory(self) -> int:
        """See `Adapter.memory`."""
        statistics = self._device.memory_stats() or {}
        if "peak_bytes_in_use" not in statistics:
            raise NotSupportedError("JAX counts a GPU's memory only")
        return int(statistics["peak_bytes_in_use"])

    def _calls(self, group: BatchGroup) -> Iterator[tuple[Indices, Draws]]:
        """What each call of an executable takes: all batches at once, or one by one."""
        if self._scans and len(group.rows) > 1:
            yield group.rows, group.draws
        else:
            yield from group.each()

    def _executable(self, indices: Indices, draws: Draws) -> Callable[..., Any]:
        """Compiled for the shape of the indices, once, ahead of its first use."""
        if indices.shape not in self._executables:
            require_draws(self._spec, draws)
            self._executables[indices.shape] = (
                jax.jit(self._train, donate_argnums=0)
                .lower(self._state, self._data, indices, np.float32(0), draws)
                .compile()
            )
        return self._executables[indices.shape]

    def _put(self, array: NDArray[Any]) -> jax.Array:
        found: jax.Array = jax.device_put(array, self._device)
        return found

    def _placed(self, canonical: Parameters) -> Tree:
        """A canonical tree on the device, of copies: the steps reuse the state's memory.

        `may_alias=False` alone does not keep JAX from taking the memory of a NumPy array that lies
        as it likes (https://github.com/jax-ml/jax/issues/37830).
        """
        tree = jax.tree.map(np.array, self.to_tree(self._spec, canonical))
        return jax.device_put(tree, self._device, may_alias=False)

    def _fetched(self, tree: Tree) -> dict[str, NDArray[np.float32]]:
        """Copies by canonical path: on a CPU an array may be a view of what a step reuses."""
        return self.to_canonical(self._spec, jax.tree.map(np.array, tree))
