"""The table of legal transitions stands twice, in the engine and in the judge: neither takes it from the other."""

from __future__ import annotations

from cutover.engines.v2.events import TRANSITIONS
from cutover.harness.judge.checks.sm import LEGAL


def test_the_judge_and_the_engine_know_the_same_transitions() -> None:
    assert {(scope, before, event, after) for (scope, before, event), after in TRANSITIONS.items()} == LEGAL
    assert len(LEGAL) == 16
