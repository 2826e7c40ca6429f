"""What the harness knows of PyTorch, without importing it."""

from bench.frameworks import Default, Framework, Package, Variant

# Read off PyTorch 2.13. Its own initial weights and optimizers are the matched ones.
OWN = (
    Default(
        *("generator", "generator", "own"),
        "nn.Dropout, nn.RReLU and torch.randn_like, after torch.manual_seed",
    ),
)

TUTORIAL = "impls.torch.tutorial:TorchTutorial"
# From its first example on, one change more each; in the plain adapter images are channels-last,
# too.
LADDER = {
    "tutorial": "as its first example trains",
    "tutorial+memory": "batches from tensors in memory, without a DataLoader",
    "tutorial+no-sync": "losses asked for once an epoch",
    "tutorial+fused": "the optimizer in one kernel",
}

FRAMEWORK = Framework(
    name="torch",
    title="PyTorch",
    adapter="impls.torch.adapter:TorchAdapter",
    version="torch",
    modules=("torch",),
    install="pip install 'lenet-bench[torch]'",
    packages=(Package("torch", "2.9"),),
    own=OWN,
    variants=(
        Variant("compile", "torch.compile", tools="impls.torch.compiler:CPP_COMPILER"),
        *(Variant(name, does, adapter=TUTORIAL) for name, does in LADDER.items()),
    ),
    ladder=tuple(LADDER),
)
