"""The arithmetic of the pairs, on made-up seconds."""

from __future__ import annotations

import numpy as np
import pytest

from .pairing import Opponent, speed_ratio


def test_windows_alternate() -> None:
    ran: list[str] = []
    opponent = Opponent(lambda: ran.append("B"))
    for _ in range(4):
        opponent.setup()
        ran.append("A")
        opponent.teardown()
    assert "".join(ran) == "BAABBAAB"
    assert len(opponent.seconds) == 4


def test_ratio_above_one_is_faster_and_a_shared_slow_spell_cancels() -> None:
    machine = np.random.default_rng(2).uniform(1, 3, 40)
    assert speed_ratio(list(0.8 * machine), list(machine)) == pytest.approx((1.25,) * 3)
