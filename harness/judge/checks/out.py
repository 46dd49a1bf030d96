"""OUT: the outcome is the reference model's. Pure."""

from __future__ import annotations

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.outcomes.diff import may_be_noise
from cutover.harness.judge.outcomes.outcome import is_refusal
from cutover.harness.judge.view import ArmView
from cutover.harness.record.trials import role

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    record = arm.record
    sheet.saw(2 + len(arm.expected.outcome.steps) + len(arm.expected.outcome.effects))
    if record.failure is not None and not (arm.expected.refused is not None and is_refusal(record)):
        failure = record.failure
        sheet.fault(
            f"the engine did not return: {failure.kind}, {failure.type}: {failure.message}",
            kind=failure.kind,
            failure=failure,
        )
    elif record.journal is None and not is_refusal(record):
        sheet.fault("the engine gave no journal of the execution")
    noise = sheet.trial.noise if role(arm.name) == "candidate" else frozenset()
    shared = _shared(sheet) if role(arm.name) == "candidate" else frozenset()
    for difference in arm.differences:
        excused = role(arm.name) == "candidate" and may_be_noise(difference) and sheet.trial.is_noisy(difference.path)
        if difference.path in noise or excused:
            sheet.count("noise")
            continue
        both = (difference.path, difference.right) in shared
        sheet.fault(
            f"{difference.path}: {difference.kind}, {difference.right} instead of {difference.left}"
            + (f"; {_agreement(difference.path, arm, sheet)}, the reference model does not" if both else ""),
            verdict=Verdict.INCONCLUSIVE if both else Verdict.FAIL,
            path=difference.path,
            kind=difference.kind,
            expected=difference.left,
            found=difference.right,
        )


def _agreement(path: str, arm: ArmView, sheet: Sheet) -> str:
    """Returns how both engines have come to the same: an execution, or a step, may fail for one reason or another."""
    if path.endswith("status") and _reason(path, arm) != _reason(path, sheet.trial.arms["control"]):
        return "both engines come to it, but not for the same reason"
    return "both engines agree"


def _reason(path: str, arm: ArmView) -> str | None:
    """Returns why the execution, or the step of this path, has the status that it has, as far as the engine says."""
    failure, journal = arm.record.failure, arm.record.journal
    if failure is not None:
        return f"{failure.kind}, {failure.type}: {failure.message}"
    if path == "status":
        return None if journal is None else journal.execution.error
    row = arm.rows.get(path.removeprefix("steps/").removesuffix("/status"))
    return None if row is None else row.error


def _shared(sheet: Sheet) -> frozenset[tuple[str, str | None]]:
    """Returns what the control has at the paths where it breaks the reference."""
    control = sheet.trial.arms.get("control")
    return frozenset() if control is None else frozenset((each.path, each.right) for each in control.differences)


CHECK = ArmCheck("OUT", "the outcome is the reference model's, but for ids and times", _look)
