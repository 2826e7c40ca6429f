"""The random numbers of a training step: which a network takes, and in which form it gets them.

mask   bool: True where dropout keeps an element
slope  float32: a slope of rrelu, of each element, those above zero too
noise  float32: what is added to an element of the images, in their unit
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DrawKind = Literal["mask", "slope", "noise"]
Generator = Literal["harness", "own"]  # who draws: the harness for all, or a framework by itself
Draws = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one layer takes of random numbers for each image.

    name   of the layer
    shape  of the numbers of one image, canonical: (height, width, channels) or (features,)
    level  rate of a mask, standard deviation of noise; of slopes 0, for they know none
    """

    name: str
    kind: DrawKind
    shape: tuple[int, ...]
    level: float = 0.0

    @property
    def dtype(self) -> type[np.bool_] | type[np.float32]:
        """Of its array."""
        return np.bool_ if self.kind == "mask" else np.float32
