"""What the adapter interface costs: each adapter against a bare loop in the same framework.

    BENCH_FRAMEWORKS=torch python -m pytest tests/benchmarks --benchmark-json=pairs.json -s

Not part of the test run: it takes minutes and wants a machine to itself. BENCH_FRAMEWORKS,
BENCH_REQUIRE and BENCH_DEVICE mean what they mean for the parity tests; BENCH_THREADS, 2 without
it, is how many CPU threads both may use.

A bare loop is the best that an expert would write for this one network in one file. It knows
nothing of the harness. `bare_<framework>.py` holds one function:

    def bare(images, labels, parameters, learning_rate, momentum, device, threads) -> epoch

images         float32 (N, 32, 32, 1), normalised
labels         int32 (N,)
parameters     canonical, as in bench/contract/layers.py: `conv1/kernel` (5, 5, 1, 6), ..., float32
learning_rate  of SGD with PyTorch's momentum
device         "cpu" or "gpu"
epoch          epoch(batches): takes one step a row of int32 (steps, batch), in order, and returns
               each step's loss, float32 (steps,), when the device is done; goes on training from
               call to call
"""
