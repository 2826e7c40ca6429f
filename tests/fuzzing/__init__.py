"""Damaged and made-up input for every reader: `python -m tests.fuzzing --seconds 60`."""
