"""The museum: defects that frameworks had or have, each made again in an adapter.

    python -m tests.verification.museum

writes the table of docs/museum.md from what stands here. Each exhibit is the float64 reference with
exactly that fault, but for those that no check of ours can see, of which it is said why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contract import ModelOptions, OptimizerSpec
from bench.workload.models import USUAL

from .faults import (
    ADAM,
    ADAM_DECAY,
    ADAMW,
    MOMENTUM,
    RMSPROP,
    EpsilonHat,
    EpsilonInside,
    FirstEpochForever,
    FlattenedChannelsFirst,
    FlippedKernel,
    Healthy,
    MoreThreads,
    RateInside,
    StalePrediction,
    Uncorrected,
    changed,
    rounded_to,
    with_rule,
)
from .museum_adapters import (
    DecayAfterStep,
    DecayOnlyWithMomentum,
    DecayWithoutRate,
    FirstColumnAlone,
    FirstRateForever,
    LastOfWindow,
    MaskDrawnAgain,
    MaskOfFirstStep,
    MixedImages,
    NothingFromRow,
    RacingKernels,
    SharedMemory,
    ShortBatch,
    SoftmaxTwice,
    SquaresFromOne,
    SwappedConstants,
    WrappedRows,
    WrongFromRow,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "museum.md"
BEGIN, END = "<!-- exhibits -->\n", "<!-- end of exhibits -->\n"
SGD_DECAY = OptimizerSpec("sgd", weight_decay=5e-2)
DROPOUT = ModelOptions(dropout=0.5)


@dataclass(frozen=True)
class Exhibit:
    """A defect, where it was reported, and what of ours sees it.

    source     the issue or pull request, with what other projects had of the same
    had        which versions, on what, as the report says it
    does       what is computed, in a few words
    adapter    the reference with that fault; None where no check sees it
    caught_by  the check that does
    why_not    why none does
    sizes      fields of the subject that it needs to be seen
    """

    title: str
    source: tuple[str, ...]
    had: str
    does: str
    adapter: type[Healthy] | None = None
    caught_by: str = ""
    why_not: str = ""
    optimizer: OptimizerSpec = ADAM
    options: ModelOptions = USUAL
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.title.replace(" ", "-")


EXHIBITS = (
    Exhibit(
        "Rows beyond 32,768",
        ("jax-ml/jax#39103",),
        "jaxlib 0.10.2, CPU; 0.10.1 is right",
        "a compiled, vectorised product of a matrix and vectors, and then a sum: the last rows "
        "have the values of others",
        WrongFromRow,
        "evaluation, loss",
        sizes={"predicted": (32_769,)},
    ),
    Exhibit(
        "Arrays shared with the caller",
        ("jax-ml/jax#37830", "jax-ml/jax#38086"),
        "JAX 0.10.2, CPU; open",
        "`device_put` takes the memory of a NumPy array also where it is told not to: weights "
        "change when the caller writes into its array. The adapter of Flax here had it",
        SharedMemory,
        "round trip",
    ),
    Exhibit(
        "Adam's ε̂",
        ("tensorflow/tensorflow#35102", "pytorch/pytorch#22628"),
        "TensorFlow and Keras, also 3.15; PyTorch until 2019",
        "ε stands beside √v, not beside √v̂, so that it is larger in the first steps",
        with_rule(EpsilonHat),
        "optimizer",
    ),
    Exhibit(
        "RMSprop's ε within the root",
        ("google-deepmind/optax#532", "pytorch/pytorch#23796", "jax-ml/jax#1427"),
        "Optax by default, Keras",
        "√(v + ε) where PyTorch has √v + ε",
        with_rule(EpsilonInside),
        "optimizer",
        optimizer=RMSPROP,
    ),
    Exhibit(
        "RMSprop's squares from one",
        ("google-deepmind/optax#49",),
        "TensorFlow 1",
        "the mean of squares starts at 1 and not at 0",
        with_rule(SquaresFromOne),
        "optimizer",
        optimizer=RMSPROP,
    ),
    Exhibit(
        "AdamW's decay without the learning rate",
        ("FluxML/Optimisers.jl#182", "FluxML/Flux.jl#2433"),
        "Optimisers.jl until the end of 2024",
        "weights decay by λ and not by the learning rate times λ",
        with_rule(DecayWithoutRate),
        "optimizer",
        optimizer=ADAMW,
    ),
    Exhibit(
        "AdamW's ε and λ exchanged",
        ("FluxML/Optimisers.jl#197", "FluxML/Optimisers.jl#198"),
        "Optimisers.jl, some weeks of 2024",
        "the decay is taken for ε, and ε for the decay: the fault came with the mending of the "
        "one above",
        SwappedConstants,
        "optimizer",
        optimizer=ADAMW,
    ),
    Exhibit(
        "AdamW's decay after the step",
        ("keras-team/keras#19051", "huggingface/transformers#14539"),
        "Keras 3.0",
        "what the step has come to decays, not what it began with",
        with_rule(DecayAfterStep),
        "optimizer",
        optimizer=ADAMW,
    ),
    Exhibit(
        "Adam's decay taken for AdamW's",
        ("flagos-ai/FlagGems#4988",),
        "FlagGems, a fused Adam for PyTorch; 2026",
        "weights decay apart from the gradient; unseen for long, since without decay both agree",
        changed(name="adamw"),
        "optimizer",
        optimizer=ADAM_DECAY,
    ),
    Exhibit(
        "Adam without correction of its bias",
        ("ml-explore/mlx#1640",),
        "MLX until the end of 2024, and still by default",
        "the first step is 3.16 times as long as it should be",
        with_rule(Uncorrected),
        "optimizer",
    ),
    Exhibit(
        "SGD's decay only with momentum",
        ("ml-explore/mlx#473",),
        "MLX until January 2024",
        "without momentum there is no weight decay, whatever was asked for",
        DecayOnlyWithMomentum,
        "optimizer",
        optimizer=SGD_DECAY,
    ),
    Exhibit(
        "The learning rate within the momentum",
        ("pytorch/pytorch#1099", "apache/mxnet#15533", "cjlin1/simpleNN#7"),
        "Keras, MXNet, Flux's Momentum",
        "the buffer holds steps, so that a change of the rate comes late; equal while the rate "
        "stays",
        with_rule(RateInside),
        "optimizer",
        optimizer=MOMENTUM,
    ),
    Exhibit(
        "The learning rate compiled in",
        ("tensorflow/tensorflow#31323", "tensorflow/tensorflow#70050"),
        "TensorFlow 2.0",
        "the rate of the first step is a constant of the compiled program",
        FirstRateForever,
        "optimizer",
    ),
    Exhibit(
        "Kernel gradients that race",
        ("FluxML/NNlib.jl#197", "FluxML/NNlib.jl#235"),
        "NNlib.jl 0.6, CPU, several threads",
        "threads add to one sum at once, and some images are lost",
        RacingKernels,
        "gradients",
    ),
    Exhibit(
        "Images of a batch mixed up",
        ("FluxML/Flux.jl#982", "FluxML/NNlib.jl#158"),
        "Flux 0.10, CPU, several threads",
        "a convolution of one image is given to another",
        MixedImages,
        "logits",
    ),
    Exhibit(
        "Pooling's gradient to the wrong place",
        ("tensorflow/tensorflow#40122",),
        "TensorFlow 2.2 built with MKL, CPU; 2×2 with stride 2, as in LeNet",
        "the gradient goes to a pixel that is not the maximum",
        LastOfWindow,
        "gradients",
    ),
    Exhibit(
        "A kernel that is flipped",
        ("FluxML/NNlib.jl#755", "onnx/onnx#1178"),
        "documented the wrong way round in NNlib.jl until 2026; ONNX's own test had a kernel of "
        "ones and could not tell",
        "a convolution where the others correlate",
        FlippedKernel,
        "logits",
    ),
    Exhibit(
        "Features flattened in another order",
        ("gzuidhof/nn-transfer#16",),
        "weights taken from PyTorch to Keras",
        "channel, row, column where row, column, channel was meant; sizes and round trip agree",
        FlattenedChannelsFirst,
        "logits",
    ),
    Exhibit(
        "Softmax twice",
        ("keras-team/keras#6143", "keras-team/keras-hub#1008"),
        "whoever forgets `from_logits`",
        "the loss takes probabilities for logits; the network learns all the same",
        SoftmaxTwice,
        "loss",
    ),
    Exhibit(
        "Predictions with the weights of before",
        ("pytorch/pytorch#104984", "pytorch/pytorch#108863"),
        "torch.compile, open; not so in 2.13 on a CPU",
        "a compiled network that has predicted once keeps the weights of that time",
        StalePrediction,
        "evaluation, loss",
    ),
    Exhibit(
        "Dropout that is drawn again",
        ("pytorch/pytorch#190758", "pytorch/pytorch#190717"),
        "torch.compile with a memory budget; open",
        "the backward pass has another mask than the forward pass",
        MaskDrawnAgain,
        "gradients",
        options=DROPOUT,
    ),
    Exhibit(
        "Dropout that is drawn once",
        ("keras-team/keras-core#650",),
        "JAX, where no key is given anew",
        "the mask that was drawn while the step was traced, in every step",
        MaskOfFirstStep,
        "random numbers, weights",
        options=DROPOUT,
    ),
    Exhibit(
        "TF32 that nobody asked for",
        ("pytorch/pytorch#67384", "pytorch/pytorch#107514", "jax-ml/jax#12008"),
        "PyTorch 1.7 to 1.11, its convolutions to this day, JAX and TensorFlow; GPUs since Ampere",
        "products of float32 with 10 bits of mantissa",
        rounded_to(10),
        "precision",
    ),
    Exhibit(
        "bfloat16 by a variable of the image",
        ("uxlfoundation/oneDNN#2838",),
        "oneDNN with ONEDNN_DEFAULT_FPMATH_MODE=BF16",
        "convolutions of float32 with 7 bits of mantissa",
        rounded_to(7),
        "precision",
    ),
    Exhibit(
        "A batch that is too short",
        ("JuliaML/MLUtils.jl#105",),
        "MLUtils.jl 0.2.7",
        "a full batch has fewer images than it should",
        ShortBatch,
        "batches gathered",
    ),
    Exhibit(
        "The same order in each epoch",
        ("facebookresearch/ClassyVision#118",),
        "ClassyVision, which forgot to pass the epoch to PyTorch's sampler",
        "the first epoch's order for ever",
        FirstEpochForever,
        "batches gathered",
    ),
    Exhibit(
        "More threads than were given",
        ("tensorflow/tensorflow#31128", "pytorch/pytorch#975", "jax-ml/jax#1539"),
        "all of them, at some time",
        "a pool of threads that does not follow the setting",
        MoreThreads,
        "threads",
    ),
    Exhibit(
        "Gradients lost in large batches",
        ("openxla/xla#13054",),
        "XLA of May 2024 with oneDNN, CPU",
        "terms of the gradient of a vectorised product are 0 at 10⁶ rows",
        FirstColumnAlone,
        "gradients",
        sizes={"batch_size": 1000},
    ),
    Exhibit(
        "Nothing beyond 65,535 images",
        ("tensorflow/tensorflow#9870", "tensorflow/tensorflow#29374"),
        "TensorFlow 1, GPU",
        "what is predicted for later images is 0",
        NothingFromRow,
        "evaluation, loss",
        sizes={"predicted": (65_600,)},
    ),
    Exhibit(
        "Kernel gradients beyond 65,535 images",
        ("pytorch/pytorch#96225", "pytorch/pytorch#193577"),
        "PyTorch on Apple's GPUs; open",
        "a counter of images starts again",
        WrappedRows,
        "gradients",
        sizes={"batch_size": 70_000, "remainder": 0, "loaded": 70_000},
    ),
    Exhibit(
        "Average pooling of windows that overhang",
        ("pytorch/pytorch#198119", "google/flax#2401"),
        "torch.compile, also 2.13; open",
        "the compiled gradient divides by the whole window where a part of it is there",
        why_not="no network here pools windows that overhang or are framed, where frameworks "
        "differ by definition",
    ),
    Exhibit(
        "The gradient of ReLU at 0, of pooling at ties",
        ("jax-ml/jax#37821", "pytorch/pytorch#184572", "tinygrad/tinygrad#229"),
        "all of them, by intention",
        "0, ½ or 1; the first of equals, or a share for each",
        why_not="images at such places are left out of gradients, since two right programs differ "
        "there; the losses of the first steps, which a report shows, have them",
    ),
    Exhibit(
        "A loss over batches of unlike sizes",
        ("tensorflow/tensorflow#38596", "tensorflow/tensorflow#27993"),
        "Keras in TensorFlow 2.0 and 2.2",
        "the mean of the batches' means, where the last batch is smaller",
        why_not="it cannot come into a record: losses and accuracies are computed by the harness, "
        "from each framework's logits",
    ),
    Exhibit(
        "An oracle that is wrong",
        ("numpy/numpy#24903",),
        "NumPy 1.23, some CPUs",
        "products of float64 matrices are wrong",
        why_not="every framework would fail its certificate, and none would be timed; the oracle "
        "is held against finite differences in the tests",
    ),
    Exhibit(
        "Swapped results of a step that reuses memory",
        ("jax-ml/jax#39625",),
        "JAX, GPU; open",
        "scalars of the state come back in each other's place",
        why_not="only where three scalars are donated and given back in another order; "
        "on a GPU the check of the optimizer would see a count of steps that is not one",
    ),
)


def table() -> str:
    """The exhibits as Markdown, in their order."""
    lines = ["| Defect | Who had it | What it does | What sees it |", "|---|---|---|---|"]
    for one in EXHIBITS:
        sources = ", ".join(f"[{name}]({address(name)})" for name in one.source)
        seen = f"**{one.caught_by}**{_sizes(one)}" if one.adapter else f"nothing: {one.why_not}"
        cells = f"{one.title} ({sources})", one.had, one.does, seen
        lines.append(f"| {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def address(name: str) -> str:
    """Where owner/repository#number is; of a pull request, GitHub leads there from an issue's."""
    repository, _, number = name.partition("#")
    return f"https://github.com/{repository}/issues/{number}"


def _sizes(one: Exhibit) -> str:
    """From which size on it is seen, where that matters."""
    words = {"predicted": "predicting {:,} images at once", "batch_size": "batches of {:,}"}
    for name, value in one.sizes.items():
        if name in words:
            return f", {words[name].format(value[0] if isinstance(value, tuple) else value)}"
    return ""


def main() -> None:
    """Put the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
