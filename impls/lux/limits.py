"""What networks have in them that the row of Lux has not; told without Julia."""

from __future__ import annotations

from bench.contract import Conv, Dense, Dropout, ModelSpec, Noise

ACTIVATIONS = ("relu", "leakyrelu", "elu", "selu", "tanh", "none")


def lacking(model: ModelSpec) -> str | None:
    """What a network has in it that Lux has not, or None."""
    for layer in model.layers:
        match layer:
            case Conv() | Dense() if layer.activation not in ACTIVATIONS:
                return f"no activation {layer.activation}, whose slopes are learnt or drawn"
            case Dropout() | Noise():
                return "no random layer whose numbers are given"
    return None
