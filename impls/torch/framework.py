"""What the harness knows of PyTorch, without importing it."""

from bench.frameworks import Default, Framework, Variant

# Read off PyTorch 2.13. Its own initial weights and optimizers are the matched ones.
OWN = (
    Default(
        *("generator", "generator", "own"),
        "nn.Dropout, nn.RReLU and torch.randn_like, after torch.manual_seed",
    ),
)

FRAMEWORK = Framework(
    name="torch",
    title="PyTorch",
    adapter="impls.torch.adapter:TorchAdapter",
    version="torch",
    modules=("torch",),
    install="pip install 'lenet-bench[torch]'",
    own=OWN,
    variants=(Variant("compile", "torch.compile", tools="impls.torch.compiler:CPP_COMPILER"),),
)
