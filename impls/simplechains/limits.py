"""What networks have in them that SimpleChains has not; told without Julia."""

from __future__ import annotations

from bench.contract import Conv, Dense, Dropout, Flatten, ModelSpec, Noise, Pool

# Others are generic functions: of leakyrelu, elu and selu none is proved here.
ACTIVATIONS = ("relu", "tanh", "none")


def lacking(model: ModelSpec) -> str | None:
    """What a network has in it that SimpleChains has not, or None."""
    before = (model.input_shape, *model.output_shapes())
    for layer, then, shape in zip(model.layers, (*model.layers[1:], None), before, strict=False):
        match layer:
            case Conv() if any(layer.padding):
                return "no padding of a convolution"
            case Conv() | Dense() if layer.activation not in ACTIVATIONS:
                return f"no activation {layer.activation} that is proved here"
            case Pool(kind="max", window=(rows, columns)) if shape[0] % rows or shape[1] % columns:
                return "no gradient of a pooling that leaves rows or columns out"
            case Pool(kind="average"):
                return "no average pooling"
            case Flatten() if not isinstance(then, Dense | None):
                return f"no flattening in the canonical order before {then}"
            case Dropout() | Noise():
                return "no random layer whose numbers are given"
    return None
