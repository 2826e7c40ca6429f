"""Does a framework compute what the contract says? Compared with the NumPy float64 oracle.

    BENCH_FRAMEWORKS=torch python -m pytest tests/parity

BENCH_FRAMEWORKS   comma list of the frameworks to test; without it, every built-in one.
                   One framework a process is the rule: some do not survive each other.
BENCH_REQUIRE      comma list of frameworks whose absence is a failure instead of a skip
BENCH_DEVICE       `cpu` (the default) or `gpu`

`selection.FAST` says which parameters every run takes; all others are `-m long`.

With `-v` the run ends with the worst error of every check, from which the bounds are set.
"""
