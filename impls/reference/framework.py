"""What the harness knows of the NumPy reference, without importing it."""

from bench.frameworks import Framework

FRAMEWORK = Framework(
    name="reference",
    title="NumPy reference",
    adapter="impls.reference.adapter:ReferenceAdapter",
    version="numpy",
    modules=("numpy",),
    install="pip install lenet-bench",
    default=False,
)
