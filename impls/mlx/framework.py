"""What the harness knows of MLX, without importing it."""

from bench.frameworks import Default, Framework, Package

# Read off MLX 0.32. Two of its defaults have no form here, and `native` leaves them as in the
# matched setting: its Adam and AdamW correct no bias unless they are told to (bias_correction), and
# its convolutions begin with biases of 0, its dense layers with uniform ones.
OWN = (
    Default(
        *("generator", "generator", "own"),
        "mx.random with keys; nn.Dropout draws by the same functions from one global key",
    ),
)

FRAMEWORK = Framework(
    name="mlx",
    title="MLX",
    adapter="impls.mlx.adapter:MlxAdapter",
    version="mlx",
    modules=("mlx",),
    install="pip install 'lenet-bench[mlx]'",
    packages=(Package("mlx", "0.30", (("sys_platform == 'linux'", "mlx[cpu]"),)),),
    default=False,
    own=OWN,
    # On GPUs that have it MLX multiplies in TF32 unless it is told not to.
    environment={"MLX_ENABLE_TF32": "0"},
    for_gpu="take a Mac with Apple silicon, or install mlx[cuda12] and the driver",
)
