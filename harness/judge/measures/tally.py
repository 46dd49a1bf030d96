"""The tally: takes in trials one at a time and keeps of them the few numbers that metrics need. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from cutover.harness.judge.alike import failed_alike
from cutover.harness.judge.findings import CheckResult, Difference, DifferenceClass, Verdict
from cutover.harness.judge.measures.frames import Frames
from cutover.harness.judge.measures.sampling import class_of, content_of, is_drawn
from cutover.harness.judge.outcomes.outcome import is_refusal
from cutover.harness.judge.reference.model import Expected
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.record.trials import ArmName, ArmRecord, Trial, role

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tally", "as_expected", "duplicates_of", "is_stuck", "redeliveries_of", "retried"]

_COUNTED = frozenset({"EVT", "LOG"})
_Columns: TypeAlias = dict[str, list[object]]

_TRIALS = {
    "trial": "int64",
    "scenario": "object",
    "failed": "bool",
    "unknown": "bool",
    "regressions": "int64",
    "drawn": "bool",
    "content": "object",
    "klass": "object",
}
_ARMS = {
    "trial": "int64",
    "arm": "object",
    "role": "object",
    "duration_ms": "float64",
    "as_expected": "bool",
    "stuck": "bool",
    "retry_due": "bool",
    "retry_won": "bool",
    "resumed": "bool",
    "duplicates": "int64",
    "redeliveries": "int64",
    "steps": "int64",
    "calls": "int64",
    "evt_examined": "int64",
    "evt_failed": "int64",
    "log_examined": "int64",
    "log_failed": "int64",
}
_CHECKPOINTS = {"trial": "int64", "arm": "object", "role": "object", "duration_ms": "float64"}


class Tally:
    """Grows by a handful of numbers a step; the trials themselves may be forgotten."""

    def __init__(self, required: Iterable[str]) -> None:
        self._required = frozenset(required)
        self._trials: _Columns = {name: [] for name in _TRIALS}
        self._arms: _Columns = {name: [] for name in _ARMS}
        self._checkpoints: _Columns = {name: [] for name in _CHECKPOINTS}

    def add(
        self, trial: Trial, results: Iterable[CheckResult], differences: Iterable[Difference], expected: Expected
    ) -> bool:
        """Takes one trial in; says whether the candidate broke a required check in it.

        One in which every arm failed alike tells of no engine.
        """
        if failed_alike(trial):
            self._add_trial(trial, class_of(expected), failed=False, unknown=True, regressions=0)
            return False
        results = tuple(results)
        blamed = {
            finding.verdict
            for result in results
            if result.check in self._required
            for finding in result.findings
            if role(finding.arm) == "candidate" or finding.verdict is Verdict.ERROR
        }
        regressions = sum(difference.klass is DifferenceClass.REGRESSION for difference in differences)
        failed = Verdict.FAIL in blamed or regressions > 0
        unknown = not failed and bool(blamed & {Verdict.ERROR, Verdict.INVALID, Verdict.INCONCLUSIVE})
        unknown = unknown or (not failed and not {"candidate", "candidate_again"} <= trial.arms.keys())
        self._add_trial(trial, class_of(expected), failed=failed, unknown=unknown, regressions=regressions)
        due = retried(expected)
        by_arm = {(result.check, result.arm): result for result in results if result.check in _COUNTED}
        for arm in trial.arms.values():
            self._add_arm(trial.number, arm, by_arm, expected, due)
        return failed

    def add_unjudged(self, trial: Trial) -> None:
        """Takes in a trial of which nothing can be told."""
        self._add_trial(trial, "", failed=False, unknown=True, regressions=0)

    def frames(
        self,
        *,
        cases: int = 0,
        case_duplicates: int = 0,
        weighed: tuple[Weighed, ...] = (),
        machine: tuple[MachineReading, ...] = (),
    ) -> Frames:
        """Returns all that was taken in, with what came of crash cases, and of measuring memory and the machine."""
        return Frames(
            trials=_frame(self._trials, _TRIALS),
            arms=_frame(self._arms, _ARMS),
            checkpoints=_frame(self._checkpoints, _CHECKPOINTS),
            cases=cases,
            case_duplicates=case_duplicates,
            weighed=weighed,
            machine=machine,
        )

    def part(self) -> dict[str, _Columns]:
        """Returns all that was taken in, as JSON can carry it; another tally's `absorb` takes it over."""
        return {"trials": self._trials, "arms": self._arms, "checkpoints": self._checkpoints}

    def absorb(self, part: Mapping[str, Mapping[str, list[object]]]) -> None:
        """Takes over what another tally of the same run took in after this one."""
        for name, columns in self.part().items():
            for column, values in part[name].items():
                columns[column] += values

    def _add_trial(self, trial: Trial, klass: str, *, failed: bool, unknown: bool, regressions: int) -> None:
        scenario = trial.scenario
        sampled = is_drawn(scenario), content_of(scenario)
        _append(self._trials, trial.number, scenario.id, failed, unknown, regressions, *sampled, klass)

    def _add_arm(
        self,
        number: int,
        arm: ArmRecord,
        results: Mapping[tuple[str, ArmName], CheckResult],
        expected: Expected,
        due: frozenset[str],
    ) -> None:
        ended = {row.step_id: row.status for row in arm.journal.steps} if arm.journal else {}
        _append(
            self._arms,
            number,
            arm.arm,
            role(arm.arm),
            arm.duration_ms,
            as_expected(arm, expected),
            is_stuck(arm, expected),
            bool(due),
            bool(due) and all(ended.get(step_id) == "completed" for step_id in due),
            arm.again is not None,
            duplicates_of(arm),
            redeliveries_of(arm),
            len(ended),
            len(arm.ledger),
            *_counts(results.get(("EVT", arm.arm))),
            *_counts(results.get(("LOG", arm.arm))),
        )
        if arm.journal is None:
            return
        taken = [row.duration_ms for row in arm.journal.checkpoints if row.duration_ms is not None]
        for name, value in (("trial", number), ("arm", arm.arm), ("role", role(arm.arm))):
            self._checkpoints[name] += [value] * len(taken)
        self._checkpoints["duration_ms"] += taken


def as_expected(arm: ArmRecord, expected: Expected) -> bool:
    """Whether the execution ended in a status that some legal order leads to, and no call of the engine failed."""
    legal = {expectation.outcome.status for expectation in (expected, *expected.alternatives)}
    if is_refusal(arm):
        return "refused" in legal
    return arm.failure is None and arm.journal is not None and arm.journal.execution.status in legal


def is_stuck(arm: ArmRecord, expected: Expected) -> bool:
    """Whether the execution has not ended and nothing will move it: it waits for nothing, or for what has come."""
    if is_refusal(arm):
        return False
    if arm.journal is None:
        return True
    if arm.journal.execution.status not in {"pending", "running"}:
        return False
    waits = any(row.status == "paused" for row in arm.journal.steps)
    may_wait = any(e.outcome.status == "running" for e in (expected, *expected.alternatives))
    return not (waits and may_wait)


def retried(expected: Expected) -> frozenset[str]:
    """Returns the steps that must fail first and then complete within their retry policy."""
    return frozenset(
        step.step_id
        for step in expected.steps.values()
        if step.attempts > 1 and step.status == "completed" and step.step_id not in expected.optional
    )


def duplicates_of(arm: ArmRecord) -> int:
    """Duplicate effects and duplicate steps, by the ledger; a call that is both counts once."""
    count = 0
    applied: set[str] = set()
    for entry in arm.ledger:
        again = entry.effect == "applied" and entry.step_id in applied
        count += again or entry.after_completion
        if entry.effect == "applied":
            applied.add(entry.step_id)
    return count


def redeliveries_of(arm: ArmRecord) -> int:
    """Calls repeated with the same attempt and key before the step's completion was committed: legal, and shown."""
    count = 0
    seen: set[tuple[str, int, str]] = set()
    for entry in arm.ledger:
        if entry.idempotency_key is None or entry.after_completion:
            continue
        call = (entry.step_id, entry.attempt, entry.idempotency_key)
        count += call in seen
        seen.add(call)
    return count


def _counts(result: CheckResult | None) -> tuple[int, int]:
    """Returns what a check examined in an arm, and how often it failed."""
    if result is None:
        return 0, 0
    return result.examined, sum(finding.verdict is not Verdict.PASS for finding in result.findings)


def _append(columns: _Columns, *row: object) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def _frame(columns: _Columns, types: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - half a second that only a judged run should pay

    return pd.DataFrame({name: pd.Series(values, dtype=types[name]) for name, values in columns.items()})
