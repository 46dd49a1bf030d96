"""The order of arms: every place and every predecessor, equally often."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from cutover.harness.record.trials import ARMS
from cutover.harness.run.trials.shadow import arm_order


def test_four_trials_are_balanced() -> None:
    orders = [arm_order(number, seed=5) for number in range(1, 5)]
    assert all(sorted(order) == sorted(ARMS) for order in orders)
    assert set(Counter((place, arm) for order in orders for place, arm in enumerate(order)).values()) == {1}
    pairs = Counter(pair for order in orders for pair in pairwise(order))
    assert (len(pairs), set(pairs.values())) == (12, {1})
