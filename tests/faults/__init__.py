"""The campaign of faults: things that go wrong at random moments, and what must hold after each.

    python -m tests.faults --seed 1 --count 200

What it promises is in docs/what-can-go-wrong.md.
"""
