"""Blocks on this machine, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from bench.execution.block import Block, Listen, OnThisMachine


class Local:
    """Measures here whatever is to be measured. See `bench.execution.block.Blocks`."""

    is_whole = False

    def __init__(self, here: OnThisMachine) -> None:
        self._here = here

    def measure(self, blocks: Sequence[Block], listen: Listen) -> None:
        """See `bench.execution.block.Blocks`."""
        for block in blocks:
            self._here.measure(block, listen(block))
