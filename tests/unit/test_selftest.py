"""The judge is tried on damaged copies of a run's rows: one that sees nothing makes the run INVALID."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest
from rows import CALL, EXECUTION, MANIFEST, NOW, SHIP, STEP, event

from cutover.engines.api import Journal
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.checks.base import ArmCheck, Check
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.meta import RunFacts
from cutover.harness.judge.selftest import DAMAGES, SelfTest, self_test
from cutover.harness.record.trials import ArmRecord, Trial
from cutover.harness.store.lines import record_trial
from cutover.reports.messages import Lang, Messages
from cutover.scenarios.model import Response

HISTORY = (
    (None, "pending", "START", "running", None),
    ("start", "pending", "START", "running", 1),
    ("start", "running", "COMPLETE", "completed", 1),
    ("ship", "pending", "START", "running", 1),
    ("ship", "running", "COMPLETE", "completed", 1),
    (None, "running", "COMPLETE", "completed", None),
)
ARM = ArmRecord(
    arm="candidate",
    engine="v2",
    execution_id=UUID(int=1),
    position=0,
    journal=Journal(
        execution=replace(EXECUTION, finished_at=NOW, current_node_id=None),
        steps=(replace(STEP, step_id="start", node_id="start", output="1"), STEP),
        events=tuple(event(i, change) for i, change in enumerate(HISTORY, 1)),
    ),
    ledger=(CALL,),
)
TRIAL = Trial(number=3, scenario=SHIP, arms={"candidate": ARM})
NAMES = tuple(damage.name for damage in DAMAGES)


def blind(name: str) -> dict[str, Check]:
    """All checks, one of which finds nothing."""
    return {**CHECKS, name: ArmCheck(name, "always", lambda _arm, sheet: sheet.saw(1))}


def saved(trial: Trial) -> Trial:
    return record_trial(trial).trial


def test_every_damage_is_seen() -> None:
    assert self_test([TRIAL, TRIAL], saved=saved) == SelfTest()


@pytest.mark.parametrize(("check", "name"), [(damage.check, damage.name) for damage in DAMAGES])
def test_a_judge_that_is_blind_to_one_damage_is_found_out(check: str, name: str) -> None:
    made = self_test([TRIAL], checks=blind(check))
    assert made == SelfTest(missed=(f"{name} in trial 3",))


def test_a_store_that_loses_the_damage_is_found_out() -> None:
    made = self_test([TRIAL], saved=lambda _damaged: TRIAL)
    assert made.missed == tuple(f"{name} in trial 3" for name in NAMES)


def test_a_check_that_speaks_of_the_sound_rows_too_has_not_seen_the_damage() -> None:
    loud = {**CHECKS, "EVT": ArmCheck("EVT", "never", lambda _arm, sheet: sheet.fault("always the same"))}
    assert self_test([TRIAL], checks=loud).missed == ("a dropped event in trial 3",)


def test_a_removed_check_sees_nothing() -> None:
    without = {name: check for name, check in CHECKS.items() if name != "DUP"}
    assert self_test([TRIAL], checks=without).missed == ("a doubled effect in trial 3",)


@pytest.mark.parametrize("output", [None, "[]", '""'])
def test_an_output_without_a_letter_or_digit_is_no_trial_of_the_judge(output: str | None) -> None:
    assert ARM.journal is not None
    arm = replace(ARM, journal=replace(ARM.journal, execution=replace(ARM.journal.execution, output=output)))
    assert self_test([replace(TRIAL, arms={"candidate": arm})]).untried == ("a changed byte of an outcome",)


@pytest.mark.parametrize("output", ["0", "-0.0", "1e9", "true", '"a"', '"\\u0061"', '{"a":1,"b":1}', "[[[0]]]"])
def test_another_byte_is_another_value(output: str) -> None:
    assert ARM.journal is not None
    step = replace(STEP, output=output)
    journal = replace(
        ARM.journal, execution=replace(ARM.journal.execution, output=output), steps=(ARM.journal.steps[0], step)
    )
    scenario = replace(SHIP, world={"ship": (Response(output=json.loads(output)),)})
    arm = replace(ARM, journal=journal, ledger=(replace(CALL, output=output),))
    assert self_test([replace(TRIAL, scenario=scenario, arms={"candidate": arm})], saved=saved) == SelfTest()


def test_without_rows_nothing_was_tried() -> None:
    assert self_test([]) == SelfTest(untried=NAMES)
    quiet = replace(ARM, journal=None, ledger=())
    assert self_test([replace(TRIAL, arms={"candidate": quiet})]) == SelfTest(untried=NAMES)


@pytest.mark.parametrize(
    ("made", "verdict", "text"),
    [
        (SelfTest(), Verdict.PASS, "the judge sees damage done to the run's own rows"),
        (SelfTest(untried=NAMES), Verdict.INCONCLUSIVE, "no saved trial has rows to try the judge on"),
        (SelfTest(missed=("a dropped event in trial 3",), untried=NAMES[:1]), Verdict.INVALID, "a dropped event in"),
    ],
)
def test_it_is_a_fact_about_the_run(made: SelfTest, verdict: Verdict, text: str) -> None:
    facts = RunFacts(MANIFEST, selftest=made)
    (reason,) = [each for each in facts.reasons() if each.id == "META self-test"]
    assert (reason.verdict, text in reason.text) == (verdict, True)
    assert Messages.of(Lang.PT_BR).sentence(reason.text).lang is Lang.PT_BR
    assert "META self-test" not in {each.id for each in RunFacts(MANIFEST).reasons()}
