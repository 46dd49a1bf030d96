"""V1's known flaws, by name, and which of them explains a control's differences from the reference. Pure.

A flaw explains only what it would itself bring about: it is never a general excuse for the control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cutover.harness.judge.findings import Difference
from cutover.harness.judge.outcomes.diff import diff_texts
from cutover.harness.judge.outcomes.tokens import tokens_in
from cutover.harness.judge.reference.model import Expected
from cutover.harness.judge.view import ArmView, TrialView, against

__all__ = ["FLAWS", "flaws_of"]

FLAWS: Final[Mapping[str, str]] = {
    "no-retry": "a failed activity is not tried again",
    "shared-context": "executions that run at once in one process see each other's data",
    "no-idempotency-key": "calls carry no key, so a call that is repeated has its effect again",
    "resume-repeats-step": "a resume starts again at current_node_id, which may have ended",
}
"""What each means."""


def flaws_of(trial: TrialView, arm: ArmView) -> Sequence[tuple[Difference, str | None]]:
    """Returns each difference of the arm from the reference, with the flaw that explains it, where one does."""
    if not arm.differences:
        return ()
    nearest, left = _unretried(trial, arm)
    mixed = arm.record.companion is not None and _given_other(arm, nearest)
    named = []
    for difference in arm.differences:
        flaw = _repeats(difference, arm)
        if flaw is None and _foreign(difference, trial):
            flaw = "shared-context"
        if flaw is None and nearest is not arm.expected and difference.path not in left:
            flaw = "no-retry"
        if flaw is None and mixed:
            flaw = "shared-context"
        named.append((difference, flaw))
    return named


def _unretried(trial: TrialView, arm: ArmView) -> tuple[Expected, frozenset[str]]:
    """Returns what the reference would come to without retries, and the paths at which the arm differs from that too.

    Where no retry is called for it is the expectation itself. An arm that did retry has another flaw, if any.
    """
    called_for = any(step.attempts > 1 for step in trial.prepared.expected.steps.values())
    if not called_for or any(entry.attempt > 1 for entry in arm.record.ledger):
        return arm.expected, frozenset(difference.path for difference in arm.differences)
    nearest, left = against(trial.prepared.once_only, arm.outcome, arm.record)
    return nearest, frozenset(difference.path for difference in left)


def _given_other(arm: ArmView, expected: Expected) -> bool:
    """Whether a step was given, or the execution gave, what the steps before it had not put out."""
    wrong = {
        step_id
        for step_id, step in expected.steps.items()
        if (row := arm.rows.get(step_id)) is not None
        and row.output is not None
        and diff_texts(step.output, row.output, "")
    }
    for step_id, step in expected.steps.items():
        row = arm.rows.get(step_id)
        if row is None or row.input is None or step.input is None or wrong & (step.waits.all_of | step.waits.any_of):
            continue
        if diff_texts(step.input, row.input, ""):
            return True
    ended = arm.outcome.status == expected.outcome.status == "completed"
    return ended and not wrong and bool(diff_texts(expected.outcome.output, arm.outcome.output, ""))


def _repeats(difference: Difference, arm: ArmView) -> str | None:
    """Whether an effect is one too many because a call was repeated."""
    area, _, rest = difference.path.partition("/")
    calls = arm.calls.get(rest.rpartition("/")[0], ()) if area == "effects" else ()
    if difference.kind not in {"count", "extra"} or len(calls) < 2:
        return None
    if any(entry.after_completion for entry in calls):
        return "resume-repeats-step"
    return "no-idempotency-key" if any(entry.idempotency_key is None for entry in calls) else None


def _foreign(difference: Difference, trial: TrialView) -> bool:
    return bool(set(tokens_in(difference.right or "")) - trial.prepared.tokens)
