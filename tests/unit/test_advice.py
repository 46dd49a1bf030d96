"""What an inconclusive run is told to ask for next time."""

from __future__ import annotations

import pytest
from report_fixtures import DOCUMENT

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.reports.advice import advice
from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages

BASE = Document.model_validate_json(DOCUMENT)


def told(
    metric: str,
    n: int,
    needed: int | None,
    *,
    cases: int = 585,
    verdict: StageVerdict = StageVerdict.INCONCLUSIVE,
    skipped: str = "",
) -> list[str]:
    criterion = BASE.criteria[0].model_copy(
        update={"metric": metric, "n": n, "n_needed": needed, "verdict": Verdict.INCONCLUSIVE}
    )
    run = BASE.run.model_copy(update={"cases": cases, "cases_planned": 1748, "crash_budget_s": 30.0})
    made = BASE.model_copy(
        update={"criteria": (criterion,), "run": run, "verdict": verdict, "trials": 150, "drawn": 70}
    )
    if skipped:
        made = made.model_copy(update={"reproduce": f"{made.reproduce} --skip {skipped}"})
    return list(advice(made, Messages.of(Lang.EN)))


def test_too_few_crash_cases_ask_for_more_time_at_the_rate_of_the_run() -> None:
    """585 cases took 30 s, so 598 take 30.7 s; with a fifth on top 36.8 s, in tens 40 s."""
    assert told("duplicated_steps", 585, 13) == ["To measure enough crash cases, run again with --crash-budget 40."]


def test_no_crash_case_at_all_asks_for_three_times_the_time() -> None:
    assert told("duplicated_steps", 0, 598, cases=0) == [
        "To measure enough crash cases, run again with --crash-budget 90."
    ]


def test_what_was_left_out_is_not_to_be_had_by_more_time() -> None:
    assert told("duplicated_steps", 0, 598, cases=0, skipped="plays,crashes") == [
        "plays, crashes were left out, and what they show is undecided: run again without --skip."
    ]


@pytest.mark.parametrize(
    ("n", "needed", "trials"),
    [(70, 528, 678), (29, 29, 220), (0, 598, 748), (150, 149, 299)],  # 1 a trial drawn; 29 in 70 drawn; none; 1 a trial
)
def test_too_few_executions_ask_for_more_trials(n: int, needed: int, trials: int) -> None:
    assert told("execution_success", n, needed) == [f"To measure enough executions, run again with --trials {trials}."]


def test_where_more_would_not_help_there_is_no_advice() -> None:
    assert told("execution_success", 150, None) == []
    assert told("duplicated_steps", 585, 13, cases=1748) == []
    assert told("execution_success", 150, 448, verdict=StageVerdict.NO_GO) == []
