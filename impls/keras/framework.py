"""What the harness knows of Keras on TensorFlow, without importing it."""

from bench.frameworks import Default, Framework, Switch, Variant

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
    Default("switches", "switches", False, "TF_ENABLE_ONEDNN_OPTS, which nobody has set"),
)

# TensorFlow takes oneDNN by itself only where the CPU has instructions for neural networks, such as
# AVX-512 VNNI: https://www.tensorflow.org/install/pip, and `IsMKLEnabled` in
# tensorflow/core/util/port.cc. On others it gains as much, and its arithmetic is float32, too.
SWITCHES = (Switch("TF_ENABLE_ONEDNN_OPTS", "1", "kernels of oneDNN", on=("avx2",)),)

FRAMEWORK = Framework(
    name="keras",
    title="Keras",
    adapter="impls.keras.adapter:KerasAdapter",
    version="keras",
    modules=("keras", "tensorflow"),
    install="pip install 'lenet-bench[keras]'",
    own=OWN,
    switches=SWITCHES,
    variants=(
        Variant("jit", "each step compiled by XLA"),
        Variant("step", "a call of a tf.function a step"),
    ),
)
