"""What to ask of the next run where this one measured too little. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.judge.policy.model import CASES_METRIC
from cutover.reports.document import Document
from cutover.reports.messages import Messages

__all__ = ["advice"]

_MARGIN = 1.2
"""How much more time than the last run's rate of cases asks for, since a machine is not equally fast every day."""


def advice(document: Document, say: Messages) -> Iterator[str]:
    """Yields a sentence for each option that would get what is missing; none where more measurements would not help."""
    if document.verdict is not StageVerdict.INCONCLUSIVE:
        return
    skipped, budget, trials = _skipped(document), _budget(document), _trials(document)
    if skipped:
        yield say("why.skipped", parts=", ".join(skipped))
    if budget is not None and "crashes" not in skipped:
        yield say("why.cases", option=f"--crash-budget {budget}")
    if trials is not None:
        yield say("why.trials", option=f"--trials {trials}")


def _skipped(document: Document) -> tuple[str, ...]:
    """Returns the parts of a run that were left out."""
    words = shlex.split(document.reproduce)
    return tuple(words[words.index("--skip") + 1].split(",")) if "--skip" in words[:-1] else ()


def _budget(document: Document) -> int | None:
    """Returns the budget, s, rounded up to tens, in which enough cases would fit; None where time would not help."""
    run = document.run
    if run.cases_planned and run.cases >= run.cases_planned:
        return None  # all were played; more time plays no more
    for part in document.criteria:
        if part.metric == CASES_METRIC and part.verdict is Verdict.INCONCLUSIVE and part.n_needed:
            given = run.crash_budget_s or 10.0
            wanted = given * (part.n + part.n_needed) / part.n * _MARGIN if part.n else 3 * given
            return math.ceil(wanted / 10) * 10
    return None


def _trials(document: Document) -> int | None:
    """Returns the trials to ask for: each further one is drawn, and gives at most one more measurement."""
    wanted = [
        document.trials + math.ceil(part.n_needed / _a_trial(part.n, document.drawn or document.trials))
        for part in document.criteria
        if part.metric != CASES_METRIC and part.verdict is Verdict.INCONCLUSIVE and part.n_needed
    ]
    return max(wanted, default=None)


def _a_trial(n: int, drawn: int) -> float:
    """Returns how many measurements a further trial gives, by what the run's own gave; one where that is not known."""
    return min(1.0, n / drawn) if n and drawn else 1.0
