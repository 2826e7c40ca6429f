"""The activations, each defined once for all implementations.

    relu       max(z, 0)
    leakyrelu  z where z > 0, else 0.01 z
    rrelu      z where z > 0, else a z; in training each a is drawn from U(1/8, 1/3), see
               `ModelSpec.drawn`; otherwise it is their mean, 11/48
    prelu      z where z > 0, else a z; a is learnt, one number a layer, 0.25 at first
    elu        z where z > 0, else eᶻ − 1
    selu       λz where z > 0, else λα(eᶻ − 1)
    tanh       (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)
    none       z

At z = 0 the derivative is that of the branch for z ≤ 0: 0 of relu, 0.01 of leakyrelu, a of prelu
and of rrelu, λα of selu. It matters: a unit whose inputs and bias are all 0 is exactly there.

The definitions are those of torch.nn (ReLU, LeakyReLU, RReLU, PReLU with one parameter, ELU, SELU,
Tanh) at their defaults. Sources: He et al., arXiv:1502.01852 (prelu); Xu et al., arXiv:1505.00853
(rrelu); Clevert et al., arXiv:1511.07289
(elu, here with α = 1); Klambauer et al., arXiv:1706.02515 (selu, with λ and α to more digits).
In float32, eᶻ − 1 may be computed as it stands or as expm1: near 0 they differ by a rounding of 1.
"""

from __future__ import annotations

from bench.choices import Activation

LEAKY_SLOPE = 0.01
RRELU_LOWEST, RRELU_HIGHEST = 1 / 8, 1 / 3
RRELU_MEAN = 11 / 48
FIRST_SLOPE = 0.25  # of prelu, before training
SELU_SCALE = 1.0507009873554804934193349852946  # λ
SELU_ALPHA = 1.6732632423543772848170429916717  # α

# Those whose derivative jumps at 0, where rounding decides which side a unit is on.
KINKED: frozenset[Activation] = frozenset(["relu", "leakyrelu", "rrelu", "prelu", "selu"])
