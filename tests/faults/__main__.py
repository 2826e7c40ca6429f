"""`python -m tests.faults`: draws faults, lets them happen, and tells what was not as promised."""

from __future__ import annotations

import argparse
import os
import signal
import sys

# Before NumPy counts the CPUs: the runs are compared bit by bit with those of one thread.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> int:
    """0 if all was as promised after each fault, 1 if not."""
    from tests.faults import campaign
    from tests.faults.kinds import KINDS

    known = {kind.name: kind for kind in KINDS}
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Faults at random moments, and what comes of it."
    )
    parser.add_argument("--seed", type=int, default=0, help="draws kinds and moments")
    parser.add_argument("--count", type=int, default=20, help="how many faults")
    parser.add_argument("--first", type=int, default=1, help="begin with the fault of this number")
    parser.add_argument("--last", type=int, help="end with the fault of this number")
    parser.add_argument(
        "--kind", metavar="NAME", choices=known, help="one fault of this kind, drawn by --seed"
    )
    parser.add_argument("--list", action="store_true", help="name the kinds")
    asked = parser.parse_args()
    if asked.list:
        for kind in KINDS:
            print(f"{kind.name}: {kind.about}")
        return 0
    if asked.kind:
        faults = [(known[asked.kind], asked.seed)]
    else:
        every = list(campaign.drawn(KINDS, asked.seed, asked.count))
        faults = every[asked.first - 1 : asked.last]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what runs is ended, too
    tally = campaign.carry_out(faults, lambda line: print(line, flush=True))
    print(campaign.table(tally))
    return 1 if tally.failures or sum(tally.tried.values()) < len(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
