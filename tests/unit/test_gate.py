"""The verdict of a stage from literal reasons."""

from __future__ import annotations

from itertools import product

import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import Reason, Severity, StageVerdict, decide, ordered


def reason(verdict: Verdict, severity: Severity = "gate", name: str = "x") -> Reason:
    return Reason(part="criterion", id=name, verdict=verdict, severity=severity)


@pytest.mark.parametrize(
    ("verdicts", "stage"),
    [
        ("", "INCONCLUSIVE"),
        ("PASS", "GO"),
        ("PASS PASS", "GO"),
        ("PASS INCONCLUSIVE", "INCONCLUSIVE"),
        ("PASS INVALID", "INCONCLUSIVE"),
        ("PASS ERROR", "INCONCLUSIVE"),
        ("PASS INCONCLUSIVE FAIL", "NO-GO"),
        ("ERROR INVALID FAIL", "NO-GO"),
    ],
)
def test_the_strongest_reason_decides(verdicts: str, stage: str) -> None:
    assert decide(reason(Verdict(name)) for name in verdicts.split()) == stage


def test_a_rollback_is_never_hidden() -> None:
    others = [reason(verdict) for verdict in Verdict]
    assert decide([*others, reason(Verdict.FAIL, "rollback")]) is StageVerdict.ROLLBACK
    assert decide([reason(Verdict.FAIL, "rollback"), *others]) is StageVerdict.ROLLBACK


def test_a_failed_alert_stops_and_does_not_roll_back() -> None:
    assert decide([reason(Verdict.FAIL, "alert")]) is StageVerdict.NO_GO


def test_only_passes_ever_go() -> None:
    severities: tuple[Severity, ...] = ("gate", "alert", "rollback")
    for verdict, severity in product(Verdict, severities):
        goes = decide([reason(Verdict.PASS), reason(verdict, severity)]) is StageVerdict.GO
        assert goes == (verdict is Verdict.PASS)


def test_exit_statuses_are_the_designs() -> None:
    assert [verdict.exit_status for verdict in StageVerdict] == [0, 1, 3, 5]
    assert [str(verdict) for verdict in StageVerdict] == ["GO", "NO-GO", "INCONCLUSIVE", "ROLLBACK"]


def test_blocking_reasons_come_strongest_first() -> None:
    reasons = [
        reason(Verdict.PASS, name="good"),
        reason(Verdict.INCONCLUSIVE, name="short"),
        reason(Verdict.ERROR, name="broken"),
        reason(Verdict.FAIL, name="bad"),
        reason(Verdict.FAIL, "rollback", name="worst"),
    ]
    assert [each.id for each in ordered(reasons)] == ["worst", "bad", "broken", "short"]
