"""What the harness knows of tinygrad, without importing it."""

from bench.frameworks import Framework, Package

FRAMEWORK = Framework(
    name="tinygrad",
    title="tinygrad",
    adapter="impls.tinygrad.adapter:TinygradAdapter",
    version="tinygrad",
    modules=("tinygrad",),
    install="pip install 'lenet-bench[tinygrad]'",
    packages=(Package("tinygrad", "0.14"),),
    default=False,
    # Read off tinygrad 0.14: its initial weights and optimizers are the matched ones. RMSprop it
    # has none.
    own=(),
    tools="impls.tinygrad.compiler:CLANG",
    for_gpu="install the driver of a GPU that tinygrad knows: https://docs.tinygrad.org/runtime/",
)
