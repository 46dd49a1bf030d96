"""The judge's own laws hold, and each broken part of the judge is told of by one of them."""

from __future__ import annotations

from typing import Any

import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.laws import broken_laws
from cutover.harness.judge.policy import criteria, gate
from cutover.harness.judge.policy import rules as policy_rules
from cutover.harness.judge.policy.gate import StageVerdict


def test_the_laws_hold() -> None:
    assert broken_laws() == ()


@pytest.mark.parametrize(
    ("owner", "name", "new", "words"),
    [
        (gate, "_EXIT_STATUS", dict.fromkeys(StageVerdict, 0), "INCONCLUSIVE ends with exit status 0"),
        (gate, "effect", lambda _reason: StageVerdict.GO, "a stage with a reason that is INVALID is GO"),
        (gate, "decide", lambda _reasons: StageVerdict.GO, "a stage without any evidence is GO"),
        (criteria, "_verdict", lambda _criterion, _reading: Verdict.PASS, "passes on nothing"),
        (criteria, "_verdict", lambda _criterion, _reading: Verdict.PASS, "fewer measurements than its minimum"),
        (criteria, "_verdict", lambda _criterion, _reading: Verdict.FAIL, "does not pass on all the measurements"),
        (policy_rules, "_measured", lambda _criterion: (), "an unknown metric is accepted"),
        (policy_rules, "_possible", lambda _criterion: (), "a limit that always holds is accepted"),
        (criteria, "read", lambda: None, "could not be tried: TypeError"),
    ],
)
def test_a_broken_judge_says_so(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, new: Any, words: str) -> None:
    monkeypatch.setattr(owner, name, new)
    assert words in "; ".join(broken_laws())
