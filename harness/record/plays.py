"""Plays: executions that are not driven as trials are, with what was asked of engines on their behalf. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cutover.engines.api import JsonText
from cutover.engines.roles import Role
from cutover.harness.record.trials import ArmRecord, Failure

__all__ = [
    "ANOTHER",
    "BROKEN",
    "CANCELLED",
    "DAMAGED",
    "FOREIGN",
    "HARD",
    "HELD",
    "MEASURED",
    "MEASURED_COMMIT",
    "OUTDATED",
    "PLAY_NAMES",
    "UNKNOWN",
    "PlayCheck",
    "PlayCommand",
    "PlayRecord",
]

PlayCheck: TypeAlias = Literal["SIGNAL", "INSTALL", "READ", "IDENT", "CLOCK", "DATA", "RESUME", "CONC", "CKPT"]

HELD: Final = "a signal to an execution that another worker holds"
UNKNOWN: Final = "a signal to an execution that nobody has started"
"""The two commands that an engine may refuse, or must."""
FOREIGN: Final = "a resume of an execution of the control"
"""What the candidate may refuse in its own way, as long as nothing of the control's is changed."""
BROKEN: Final = "a request that breaks a rule"
"""How commands begin that an engine must refuse by PayloadRefused or WorkflowRefused, and leave nothing behind."""
MEASURED: Final = "the duration in the metric of an activity that took long"
"""A look at a row of metrics, which MET answers for."""
MEASURED_COMMIT: Final = "the durations of checkpoints, one of which somebody held up"
"""A look at the durations of checkpoints, which MET answers for."""
HARD: Final = "a request that is hard to keep"
"""How commands begin that an engine may refuse in the same way, or keep to the letter."""
ANOTHER: Final = "execute() of an execution that is there"
"""How commands begin that name an execution in a request for something else: refused, or followed as a resume is."""
CANCELLED: Final = "cancel() in the pause before another attempt"
"""How the command begins after which an execution is cancelled, wherever it stood."""
OUTDATED: Final = "a worker that no longer has the execution"
"""How commands begin in which a worker wakes that was overtaken, or whose execution was cancelled: it calls nothing."""
DAMAGED: Final = "a signal to an execution whose checkpoints were changed"
"""How the command begins that an engine may refuse by any error and without a trace, or follow as if nothing were."""


PLAY_NAMES: Final = frozenset({
    "early", "several", "kept_long", "names", "one_each", "twice", "held", "unknown", "timed_out", "in_no_time",
    "waits", "definitions", "ended", "broken", "stopped", "migration", "again", "between", "alike", "ids",
    "due_at_once", "refusals", "unanswered", "damaged", "live", "long_ago", "history", "overtaken", "edited",
    "measured", "large_results", "locked", "elsewhere", "taken_by_signal", "idle_cut", "long",
    "cancelled", "overtaken_asleep", "signalled_asleep", "one_id", "reserved", "alike_in_turn",
    "kept_over_steps", "held_up", "asked_anew", "begun_late", "overnight", "as_they_were",
    "left_over", "used_too_late", "read_meanwhile", "in_one_go", "due_inside", "much_at_once", "evaluated",
})  # fmt: skip
"""All plays: a run that lacks one has not looked at what that one shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayCommand:
    """One command of a play beside those that drive the execution, and how it ended.

    `changed` says that the execution's journal was another afterwards; None where it was not looked at. `refused` says
    of a command that must be refused whether it was, by an error that the contract names; None of all others.
    `calls` are the activity calls that it made; None where they were not counted.
    """

    what: str
    failure: Failure | None = None
    changed: bool | None = None
    refused: bool | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRecord:
    """One execution of a play. `check` is the check that it is for; `name` says what is special about it.

    `scenario` is what it ran, as JSON text, with its signals in the order of their arrival; `also` the same for another
    order that is as right, where there is one. `alone` marks one of the control before the candidate's install. `play`
    is the play that it is of, one of `PLAY_NAMES`; empty in runs of older versions.
    """

    check: PlayCheck
    name: str
    role: Role
    scenario: JsonText
    arm: ArmRecord
    also: JsonText | None = None
    commands: tuple[PlayCommand, ...] = ()
    alone: bool = False
    play: str = ""
