"""How many comparisons were equal only because a rule passed over something, by rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from rows import CALL, EXECUTION, NOW, SHIP, STEP

from cutover.engines.api import Journal
from cutover.harness.judge.differences.normalisation import RULES, Normalisation
from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.view import TrialView, view_of
from cutover.harness.record.trials import ArmName, ArmRecord, LedgerEntry, Trial
from cutover.reports.messages import Lang, Messages


def arm(
    name: ArmName, output: str, *, error: str | None = None, ledger: tuple[LedgerEntry, ...] = (CALL,)
) -> ArmRecord:
    number = 1 if name == "control" else 2
    step = STEP if error is None else replace(STEP, status="failed", output=None, error=error)
    return ArmRecord(
        arm=name,
        engine=name,
        execution_id=UUID(int=number),
        position=0,
        journal=Journal(
            execution=replace(
                EXECUTION, id=UUID(int=number), output=output, created_at=NOW.replace(year=2024 + number)
            ),
            steps=(step,),
        ),
        ledger=ledger,
    )


def view(control: ArmRecord, candidate: ArmRecord) -> TrialView:
    return view_of(Trial(number=1, scenario=SHIP, arms={"control": control, "candidate": candidate}))


def counted(of: TrialView, differences: Sequence[Difference] = ()) -> tuple[int, dict[str, int]]:
    made = Normalisation()
    made.add(of, differences)
    summary = made.summary()
    return summary.compared, {name: count for name, count in summary.by_rule.items() if count}


def test_texts_that_are_the_same_need_no_rule() -> None:
    assert counted(view(arm("control", "7"), arm("candidate", "7"))) == (3, {})


def test_texts_that_differ_are_equal_by_no_rule() -> None:
    assert counted(view(arm("control", "7"), arm("candidate", "8"))) == (3, {})


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        (f'"{UUID(int=1)}"', f'"{UUID(int=2)}"', "ids"),
        (f'"{NOW.replace(year=2025).isoformat()}"', f'"{NOW.replace(year=2026).isoformat()}"', "times"),
        ('{"a":1,"b":2}', '{"b":2, "a":1}', "json"),
    ],
)
def test_a_text_equal_after_a_rule_counts_for_it(left: str, right: str, rule: str) -> None:
    assert counted(view(arm("control", left), arm("candidate", right))) == (3, {rule: 1})


def test_errors_in_the_engines_own_words_count() -> None:
    of = view(arm("control", "7", error="no such key"), arm("candidate", "7", error="KeyError"))
    assert counted(of) == (4, {"words": 1})


def test_effects_in_another_order_count_once_a_trial() -> None:
    other = replace(CALL, sequence=2, step_id="tell", input="2")
    of = view(arm("control", "7", ledger=(CALL, other)), arm("candidate", "7", ledger=(other, CALL)))
    assert counted(of) == (4, {"effects": 1})


def test_legal_orders_and_noise_are_counted_as_they_were_classed() -> None:
    made = [
        Difference(path="output", kind="value", left="1", right="2", klass=klass)
        for klass in (DifferenceClass.EQUAL, DifferenceClass.NOISE, DifferenceClass.NOISE, DifferenceClass.REGRESSION)
    ]
    assert counted(view(arm("control", "7"), arm("candidate", "7")), made) == (3, {"order": 1, "noise": 2})


def test_without_both_engines_nothing_is_compared() -> None:
    alone = view_of(Trial(number=1, scenario=SHIP, arms={"control": arm("control", "7")}))
    assert counted(alone) == (0, {})


def test_parts_add_up() -> None:
    whole, part = Normalisation(), Normalisation()
    part.add(view(arm("control", '{"a":1,"b":2}'), arm("candidate", '{"b":2,"a":1}')), ())
    whole.absorb(part.part())
    whole.absorb(part.part())
    assert (whole.summary().compared, whole.summary().by_rule["json"]) == (6, 2)


def test_what_is_passed_over_is_told_in_portuguese() -> None:
    assert {Messages.of(Lang.PT_BR).sentence(text).lang for text in RULES.values()} == {Lang.PT_BR}
