"""Trials in which every arm failed alike: a question, and nobody's fault."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from rows import MANIFEST, SHIP

from cutover.harness.judge.alike import failed_alike
from cutover.harness.judge.analysis import analyse
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.trials import ARMS, ArmName, ArmRecord, Failure, Trial, role

LATE = Failure(kind="timeout", type="timeout", message="no return within 30 s")
DEAD = Failure(kind="died", type="died", message="exit status 1")
FULL = Failure(kind="exception", type="a.Unreachable", message="v2: full", refused="53100: could not extend file")


def trial(*failures: Failure | None) -> Trial:
    arms: dict[ArmName, ArmRecord] = {
        arm: ArmRecord(
            arm=arm,
            engine={"control": "v1", "candidate": "v2"}[role(arm)],
            execution_id=UUID(int=number),
            position=number,
            journal=None,
            failure=failure,
        )
        for number, (arm, failure) in enumerate(zip(ARMS, failures, strict=True))
    }
    return Trial(number=1, scenario=SHIP, arms=arms)


@pytest.mark.parametrize(
    ("failures", "alike"),
    [
        ((LATE, LATE, LATE, replace(LATE, message="no return within 90 s")), True),
        ((DEAD, replace(DEAD, message="signal 11"), DEAD, DEAD), True),
        ((FULL, FULL, replace(FULL, type="b.Other", message="v1: full"), FULL), True),
        ((LATE, LATE, LATE, DEAD), False),
        ((LATE, None, LATE, LATE), False),
        ((None, None, LATE, LATE), False),
        ((FULL, FULL, FULL, replace(FULL, refused="")), False),
        (
            (
                Failure(kind="exception", type="KeyError", message="x"),
                Failure(kind="exception", type="KeyError", message="x"),
                Failure(kind="exception", type="KeyError", message="x"),
                Failure(kind="exception", type="KeyError", message="y"),
            ),
            False,
        ),
    ],
)
def test_all_four_arms_must_have_failed_in_one_way(failures: tuple[Failure | None, ...], *, alike: bool) -> None:
    assert failed_alike(trial(*failures)) is alike


def test_a_trial_without_all_its_arms_is_not_alike() -> None:
    whole = trial(LATE, LATE, LATE, LATE)
    assert not failed_alike(replace(whole, arms={arm: whole.arms[arm] for arm in ARMS[:2]}))


@pytest.mark.parametrize(
    ("failures", "verdict"),
    [((LATE,) * 4, StageVerdict.INCONCLUSIVE), ((None, None, LATE, LATE), StageVerdict.NO_GO)],
)
def test_what_hits_all_arms_is_inconclusive_and_what_hits_the_candidate_is_no_go(
    failures: tuple[Failure | None, ...], verdict: StageVerdict
) -> None:
    manifest = replace(MANIFEST, planned=1, finished=1)
    analysis = analyse(manifest, [trial(*failures)], default_policy(), 0)
    assert analysis.verdict is verdict
    assert analysis.trials_failed == (verdict is StageVerdict.NO_GO)
    out = next(each for each in analysis.checks if each.check == "OUT")
    assert (out.verdict is Verdict.FAIL) == (verdict is StageVerdict.NO_GO)
    failed = {reason.id for reason in analysis.reasons if reason.verdict is Verdict.FAIL}
    assert bool(failed) == (verdict is StageVerdict.NO_GO)
