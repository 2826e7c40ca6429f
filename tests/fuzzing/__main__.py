"""`python -m tests.fuzzing --seconds S [--reader NAME] [--seed N] [--keep FOLDER]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzzing import campaign
from tests.fuzzing.readers import readers


def main() -> int:
    """A line a reader, and one for each fault; 1 where there is one."""
    known = readers()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--seconds", type=float, default=60, help="for each reader")
    parser.add_argument("--reader", choices=sorted(known), action="append")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round")
    parser.add_argument("--keep", type=Path, help="where inputs that find a fault are kept")
    asked = parser.parse_args()
    faults = 0
    for name in asked.reader or known:
        found = campaign.run(known[name], asked.seconds, asked.seed)
        outcomes = ", ".join(f"{count:,} {what}" for what, count in found.outcomes.most_common())
        print(f"{name}: {found.examples:,} inputs of seed {asked.seed}: {outcomes}", flush=True)
        for number, (fault, content) in enumerate(found.faults.items()):
            print(f"  {fault}\n    {content[:80]!r}{'…' if len(content) > 80 else ''}", flush=True)
            if asked.keep:
                asked.keep.mkdir(parents=True, exist_ok=True)
                (asked.keep / f"{name}-{number}").write_bytes(content)
        faults += len(found.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
