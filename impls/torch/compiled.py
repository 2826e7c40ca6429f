"""Loss and gradients of a step by torch.compile, compiled once for every shape of a batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

# Otherwise Inductor keeps a pool of processes to compile in, which live as long as this one.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

import torch
from torch import Tensor
from torch._dynamo import lookup_backend
from torch.fx import GraphModule
from torch.nn import functional

from bench.contract import ModelSpec
from impls.torch.compiler import CPP_COMPILER
from impls.torch.model import Network

LIMIT = 256
Tensors = dict[str, Tensor]
Draws = tuple[Tensor, ...]
# (parameters, images, labels, rows, draws) → (gradients by the parameters' names, loss)
Gradients = Callable[[Tensors, Tensor, Tensor, Tensor, Draws], tuple[Tensors, Tensor]]


class Compiled:
    """A compiled step without its update, and how often it was compiled.

    The gradient is taken within what is compiled, so that one graph holds the way forward and back.
    Compiled as `torch.compile(network)`, the graph is cut in two, and what the first half keeps for
    the second one makes the pooling several times slower on a CPU.
    """

    times = 0
    _gradients: Gradients

    def __init__(self) -> None:
        self._functions: dict[tuple[ModelSpec, bool], Gradients] = {}
        # Graphs of one function, for all networks and batches that one process meets; more are an
        # error, and the usual 8 are too few for a certificate.
        torch._dynamo.config.recompile_limit = LIMIT
        torch._dynamo.config.accumulated_recompile_limit = LIMIT

    def prepare(self, network: Network) -> None:
        """Take this network's structure; what was compiled for one like it serves again."""
        key = network.spec, network.channels_last
        if key not in self._functions:
            self._functions[key] = self._function(network)
        self._gradients = self._functions[key]

    def _function(self, network: Network) -> Gradients:
        memory = torch.channels_last if network.channels_last else torch.contiguous_format

        def loss(
            parameters: Tensors, images: Tensor, labels: Tensor, rows: Tensor, draws: Draws
        ) -> Tensor:
            batch = images.index_select(0, rows)
            logits = torch.func.functional_call(network, parameters, (batch, draws))
            return functional.cross_entropy(logits, labels.index_select(0, rows), reduction="mean")

        def gradients(
            parameters: Tensors, images: Tensor, labels: Tensor, rows: Tensor, draws: Draws
        ) -> tuple[Tensors, Tensor]:
            found, value = torch.func.grad_and_value(loss)(parameters, images, labels, rows, draws)
            # In the layout of the parameters, which the fused optimizers rely on.
            arranged = {
                name: g.contiguous(memory_format=memory) if g.ndim == 4 else g.contiguous()
                for name, g in found.items()
            }
            return arranged, value

        compiled: Gradients = torch.compile(
            gradients, backend=self._compile, fullgraph=True, dynamic=False
        )
        return compiled

    def loss_and_gradients(
        self,
        network: Network,
        images: Tensor,
        labels: Tensor,
        rows: Tensor,
        draws: Sequence[Tensor],
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss, (), and its gradients in the order and layout of `parameters()`.

        The network can be a copy of the one that was prepared.
        """
        parameters: Tensors = dict(network.named_parameters())
        with torch.no_grad():
            gradients, loss = self._gradients(parameters, images, labels, rows, tuple(draws))
        return loss, [gradients[name] for name in parameters]

    def versions(self) -> dict[str, str]:
        """What compiles."""
        return {"compiler": "inductor", "cpp_compiler": CPP_COMPILER.locked()}

    def _compile(self, graph: GraphModule, inputs: list[Tensor]) -> Callable[..., object]:
        """PyTorch's usual backend, as torch.compile calls it for every graph of new shapes."""
        self.times += 1
        compiled: Callable[..., object] = lookup_backend("inductor")(graph, inputs)
        return compiled
