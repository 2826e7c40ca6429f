"""What can be chosen by name, as types; light to import, since the command line reads them."""

from typing import Literal

Device = Literal["cpu", "gpu"]
Activation = Literal["relu", "leakyrelu", "rrelu", "prelu", "elu", "selu", "tanh", "none"]
Pooling = Literal["max", "average"]
OptimizerName = Literal["sgd", "rmsprop", "adam", "adamw"]
Regime = Literal["matched", "native", "each"]
Fit = Literal["pad", "resize"]  # how images come to the model's size
Split = Literal["random", "last"]  # validation images: drawn, or the last ones of the file
ImageOrder = Literal["shuffled", "file"]
Part = Literal["train", "test"]
Schedule = Literal["constant", "plateau"]
Monitor = Literal["val", "test"]
Ties = Literal["first", "last"]
StopReason = Literal["target", "converged"]  # of a training that ends early without a fault
