"""Two revisions on one machine in one run → a verdict on throughput.

`docs/gate.md` has the rule and its error rates. One direction, as everywhere:
repository → schedule → pairs → resident → windows (the measuring process) → decision → result.
`releases` compares released versions of a package by the same pairs, judges and processes.
"""
