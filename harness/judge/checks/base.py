"""What the checks have in common: one look at each arm, and a sheet on which it is written down. Pure.

What is remembered here are pure functions of short texts whose values nobody can change; threads may share them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

from cutover.engines.api import ExecutionRow, JsonText
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.view import ArmView, TrialView
from cutover.harness.record.trials import ArmName, Failure

__all__ = [
    "MOST_FINDINGS",
    "ROWS_OF",
    "ArmCheck",
    "Check",
    "CheckpointState",
    "Sheet",
    "StepState",
    "checkpoint_state",
    "outside",
    "parsed_object",
]

MOST_FINDINGS = 50
"""Findings kept of one check in one arm; one more then says how many there were."""
ROWS_OF: Final[Mapping[str, str]] = {"EVT": "events", "CKPT": "checkpoints", "LOG": "events", "MET": "metrics"}
"""Checks of rows that an engine may not offer: then nothing is held against it."""
_SHORT = 4_000
"""Characters of a text that is worth remembering."""
_NO_COUNTS: Final[Mapping[str, int]] = MappingProxyType({})
_CLOCKS: Final = timedelta(minutes=1)
"""How far the clocks of an engine and its database may differ."""


def parsed_object(text: str) -> dict[str, object] | None:
    """Returns the JSON object in the text, None where it is not one.

    A quick codec comes first; what it refuses (NaN, lone surrogates) is left to Python's own.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


class StepState(NamedTuple):
    """What a checkpoint says of one step, as it stands in the text; `digested` tells whether it has a digest."""

    status: object
    attempt: object
    digest: object
    digested: bool


class CheckpointState(NamedTuple):
    """A checkpoint's state: how many members it has, and its steps by id, None where a member is not an object."""

    members: int
    steps: Mapping[str, StepState] | None


def checkpoint_state(text: JsonText) -> CheckpointState | None:
    """Returns a checkpoint's state, None where it is not an object.

    Arms of one scenario write the same, so short texts are remembered.
    """
    return _remembered_state(text) if len(text) < _SHORT else _state(text)


def _state(text: JsonText) -> CheckpointState | None:
    value = parsed_object(text)
    if value is None:
        return None
    steps = {
        step_id: StepState(part.get("status"), part.get("attempt"), part.get("output_sha256"), "output_sha256" in part)
        for step_id, part in value.items()
        if isinstance(part, dict)
    }
    return CheckpointState(len(value), MappingProxyType(steps) if len(steps) == len(value) else None)


_remembered_state = lru_cache(maxsize=4_096)(_state)


def outside(execution: ExecutionRow, at: datetime) -> bool:
    """Whether a time of the engine's rows lies outside the execution's life, by more than clocks may differ."""
    ended = execution.finished_at
    return at < execution.created_at - _CLOCKS or (ended is not None and at > ended + _CLOCKS)


@cache
def _nothing(check: str, arm: ArmName) -> CheckResult:
    """Returns the result of a check that found nothing to look at; one object serves all, for that is common."""
    return CheckResult(check=check, arm=arm, examined=0)


class Sheet:
    """Takes down what a check looks at, counts and holds against one arm of one trial.

    There is one for each check and arm, most of them with nothing on them: what they might hold is made when needed.
    """

    __slots__ = ("_counts", "_findings", "arm", "check", "examined", "faults", "trial")

    def __init__(self, check: str, arm: ArmView, trial: TrialView) -> None:
        self.check = check
        self.arm = arm
        self.trial = trial
        self.examined = 0
        self.faults = 0
        self._counts: dict[str, int] | None = None
        self._findings: list[Finding] | None = None

    def saw(self, facts: int = 1) -> None:
        """Counts facts that were looked at."""
        self.examined += facts

    def count(self, name: str, number: int = 1) -> None:
        """Counts something that is shown and holds nothing up."""
        if self._counts is None:
            self._counts = {}
        self._counts[name] = self._counts.get(name, 0) + number

    def fault(
        self,
        message: str,
        *,
        verdict: Verdict = Verdict.FAIL,
        failure: Failure | None = None,
        **witness: str | float | None,
    ) -> None:
        """Holds something against the arm; the witness is the smallest evidence for it, and where a failure arose."""
        if failure is not None:
            witness |= failure.witness()
        self.faults += 1
        if self._findings is None:
            self._findings = []
        if self.faults <= MOST_FINDINGS:
            self._findings.append(self._finding(message, verdict, **witness))

    def result(self) -> CheckResult:
        """Returns everything on the sheet."""
        findings, counts = self._findings, self._counts
        if findings is None and counts is None:
            if not self.examined:
                return _nothing(self.check, self.arm.name)
            return CheckResult(check=self.check, arm=self.arm.name, examined=self.examined, counts=_NO_COUNTS)
        findings = findings or []
        if self.faults > MOST_FINDINGS:
            rest = self.faults - MOST_FINDINGS
            findings.append(self._finding(f"and {rest} more like these", Verdict.FAIL, more=rest))
        return CheckResult(
            check=self.check,
            arm=self.arm.name,
            examined=self.examined,
            findings=tuple(findings),
            counts=counts or _NO_COUNTS,
        )

    def _finding(self, message: str, verdict: Verdict, **witness: str | float | None) -> Finding:
        return Finding(
            check=self.check,
            verdict=verdict,
            trial=self.trial.trial.number,
            scenario=self.trial.trial.scenario.id,
            arm=self.arm.name,
            message=message,
            witness=witness,
        )


class Check(Protocol):
    """One property that every candidate must have; `id` is stable and appears in reports, waivers and mutants."""

    @property
    def id(self) -> str:
        """The check's id, such as `OUT`."""

    @property
    def holds_when(self) -> str:
        """The property in one line, for reports."""

    def __call__(self, view: TrialView) -> Iterable[CheckResult]:
        """Looks at each arm of the trial that the property applies to."""


@dataclass(frozen=True, slots=True)
class ArmCheck:
    """A check that looks at one arm at a time: `look` reads the arm and writes on the sheet."""

    id: str
    holds_when: str
    look: Callable[[ArmView, Sheet], None]

    def __call__(self, view: TrialView) -> Sequence[CheckResult]:
        """One result for each arm of the trial."""
        name, look = self.id, self.look
        results = []
        for arm in view.arms.values():
            sheet = Sheet(name, arm, view)
            look(arm, sheet)
            results.append(sheet.result())
        return results
