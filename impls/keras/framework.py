"""What the harness knows of Keras and its backends, without importing them."""

from bench.frameworks import Default, Framework, Package, Switch, Variant
from impls._jax.framework import NO_SWITCHES
from impls._jax.framework import PACKAGES as OF_JAX_AND_OPTAX
from impls._jax.framework import SWITCHES as OF_JAX

# Read off Keras 3.12 to 3.15. ε̂ and the decay of the weights before the step stand in
# keras/src/optimizers/adam.py (update_step) and base_optimizer.py (_apply_weight_decay).
OWN = (
    Default("kernel-init", "kernel", "glorot_uniform", "Conv2D and Dense, kernel_initializer"),
    Default("bias-init", "bias", "zeros", "Conv2D and Dense, bias_initializer"),
    Default("epsilon", "epsilon", 1e-7, "Adam, epsilon", ("adam",)),
    Default("epsilon", "epsilon", 1e-7, "AdamW, epsilon", ("adamw",)),
    Default("epsilon", "epsilon", 1e-7, "RMSprop, epsilon", ("rmsprop",)),
    Default("epsilon-form", "epsilon_form", "hat", "Adam.update_step", ("adam", "adamw")),
    Default("epsilon-form", "epsilon_form", "inside", "RMSprop.update_step", ("rmsprop",)),
    Default("alpha", "alpha", 0.9, "RMSprop, rho", ("rmsprop",)),
    Default("momentum-form", "rate_in_momentum", True, "SGD.update_step", ("sgd",)),
    Default("momentum-form", "rate_in_momentum", True, "RMSprop.update_step", ("rmsprop",)),
    Default(
        "decay-form",
        "decoupled_decay",
        True,
        "Optimizer._apply_weight_decay",
        ("sgd", "rmsprop", "adam"),
    ),
    Default("weight-decay", "weight_decay", 0.004, "AdamW, weight_decay", ("adamw",)),
    Default(
        *("generator", "generator", "own"),
        "Dropout and GaussianNoise, seed; for RReLU, which Keras has not, keras.random.uniform "
        "with a SeedGenerator",
    ),
)
KERAS = Package("keras", "3.12")
TENSORFLOW = Package(
    "tensorflow",
    "2.20",
    (("sys_platform == 'linux' and platform_machine == 'x86_64'", "tensorflow-cpu"),),
)
NO_ONEDNN = Default("switches", "switches", False, "TF_ENABLE_ONEDNN_OPTS, which nobody has set")

# TensorFlow takes oneDNN by itself only where the CPU has instructions for neural networks, such as
# AVX-512 VNNI: https://www.tensorflow.org/install/pip, and `IsMKLEnabled` in
# tensorflow/core/util/port.cc. On others it gains as much, and its arithmetic is float32, too.
SWITCHES = (Switch("TF_ENABLE_ONEDNN_OPTS", "1", "kernels of oneDNN", on=("avx2",)),)

FRAMEWORK = Framework(
    name="keras",
    title="Keras",
    adapter="impls.keras.on_tensorflow.adapter:KerasAdapter",
    version="keras",
    modules=("keras", "tensorflow"),
    install="pip install 'lenet-bench[keras]'",
    packages=(KERAS, TENSORFLOW),
    own=(*OWN, NO_ONEDNN),
    switches=SWITCHES,
    environment={"KERAS_BACKEND": "tensorflow"},
    personal=(".keras/keras.json",),
    ladder=("tutorial", "step"),
    variants=(
        Variant("jit", "each step compiled by XLA"),
        Variant("step", "a call of a tf.function a step"),
        Variant(
            "tutorial",
            "as its first example trains, by compile and fit",
            adapter="impls.keras.on_tensorflow.tutorial:KerasTutorial",
        ),
        Variant(
            "jax",
            "on JAX",
            adapter="impls.keras.on_jax.adapter:KerasOnJaxAdapter",
            modules=("keras", "jax", "optax"),
            install="pip install 'lenet-bench[keras-jax]'",
            packages=(KERAS, *OF_JAX_AND_OPTAX),
            own=(*OWN, NO_SWITCHES),
            switches=OF_JAX,
            environment={"KERAS_BACKEND": "jax"},
        ),
        Variant(
            "torch",
            "on PyTorch",
            adapter="impls.keras.on_torch.adapter:KerasOnTorchAdapter",
            modules=("keras", "torch"),
            install="pip install 'lenet-bench[keras-torch]'",
            packages=(KERAS, Package("torch", "2.9")),
            own=OWN,
            switches=(),
            environment={"KERAS_BACKEND": "torch"},
        ),
    ),
)
