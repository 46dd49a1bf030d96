"""What a run leaves behind: the rows that the judging half reads and the running half writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from cutover.engines.api import Journal, JsonText, JsonValue
from cutover.engines.roles import Role
from cutover.scenarios.model import Scenario

__all__ = [
    "ARMS",
    "Again",
    "ArmName",
    "ArmRecord",
    "Companion",
    "EngineInfo",
    "Failure",
    "LedgerEntry",
    "Manifest",
    "SavedRun",
    "Trial",
    "WaitSeen",
    "role",
]

RUN_SCHEMA_VERSION = 3
"""Of a run's folder; from 2 on a table has numbered files, from 3 on the manifest names the policy's file too."""

ArmName: TypeAlias = Literal["control", "control_again", "candidate", "candidate_again"]
ARMS: tuple[ArmName, ...] = ("control", "control_again", "candidate", "candidate_again")
_ROLES: Final[Mapping[ArmName, Role]] = {
    "control": "control",
    "control_again": "control",
    "candidate": "candidate",
    "candidate_again": "candidate",
}


def role(arm: ArmName) -> Role:
    """Returns the part that an arm's engine plays."""
    return _ROLES[arm]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One activity call as the world saw it; `sequence` counts the calls of one execution from 1.

    `planned` is False where the scenario has no response for the call. `effect` says what the call changed outside:
    `applied`, `deduplicated` (its idempotency key had been applied before) or `none`. `after_completion` says that
    the engine had committed this step's completion before it made the call. `at` is the injected clock, and the answer
    came `took_ms` later. `execution_id` is the execution that the call names; None in runs of older versions.
    """

    sequence: int
    step_id: str
    activity: str
    attempt: int
    idempotency_key: str | None
    input: JsonText
    planned: bool
    status: Literal["ok", "error"]
    output: JsonText | None
    ports: tuple[str, ...]
    error: str | None
    retryable: bool
    effect: Literal["applied", "deduplicated", "none"]
    after_completion: bool
    at: datetime
    execution_id: UUID | None = None
    took_ms: int = 0

    @property
    def answered_at(self) -> datetime:
        """When the answer came, by the injected clock."""
        return self.at + timedelta(milliseconds=self.took_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an engine's call did not return: it raised, ran past its deadline, or took its process down.

    `refused` is what the server or the system refused (`cutover.harness.run.process.refusal`); empty where that is not
    why. `trace` are the innermost frames of what was raised, as Python prints them. Runs of older versions have none.
    """

    kind: Literal["exception", "timeout", "died"]
    type: str
    message: str
    refused: str = ""
    trace: str = ""

    def witness(self) -> Mapping[str, str]:
        """Returns where in the code it was raised: the place on one line, and the frames; nothing where not known."""
        frames = [line.strip() for line in self.trace.splitlines() if line.lstrip().startswith("File ")]
        return {"raised_in": frames[-1].removeprefix("File "), "trace": self.trace} if frames else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What resuming and executing the ended or waiting execution once more did; `journal` only where rows changed."""

    calls: int
    rows_changed: bool
    journal: Journal | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSeen:
    """A wait as its caller saw it, by the injected clock.

    It began while a command ran, between `since` and `until`; `over` is the end of the command that ended it, None
    where it has not ended.
    """

    step_id: str
    since: datetime
    until: datetime
    over: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """An execution that ran beside an arm's, in the same process.

    It ran on a second engine while the arm was `inside` an activity, or on the arm's own `between` two of its commands.
    """

    place: Literal["inside", "between"]
    execution_id: UUID
    journal: Journal | None
    ledger: tuple[LedgerEntry, ...] = ()
    logs: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    pauses: int = 0
    failure: Failure | None = None
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRecord:
    """One run of a scenario on one engine. `position` is its place in the trial's order, from 0.

    `journal` is None only where the engine could not read one out; `duration_ms` is real time spent in the engine;
    `signals` are the ids delivered, in order; `pauses` counts the returns with the execution still running;
    `kills` how often its process was killed or cut off on purpose: only then is a redelivery legal; `companion` is
    the id of the scenario whose executions ran in between, in the same process, to show what executions share;
    `companion_scenario` is that scenario as a file has it, `companions` what came of those executions.

    `began_at` and `ended_at` are the clock of the database's server before and after, `clock_began_at` and
    `clock_ended_at` the one that the engine was given; `metadata` is what the request gave; `waits` are the waits as
    the caller saw them; `untold` are steps that were called again and of which could not be read whether they had ended
    by then. Runs of older versions have none of these.
    """

    arm: ArmName
    engine: str
    execution_id: UUID
    position: int
    journal: Journal | None
    ledger: tuple[LedgerEntry, ...] = ()
    logs: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    pauses: int = 0
    failure: Failure | None = None
    again: Again | None = None
    duration_ms: float = 0.0
    kills: int = 0
    companion: str | None = None
    companion_scenario: JsonText | None = None
    companions: tuple[Companion, ...] = ()
    began_at: datetime | None = None
    ended_at: datetime | None = None
    clock_began_at: datetime | None = None
    clock_ended_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    waits: tuple[WaitSeen, ...] | None = None
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All arms of one scenario, side by side; `number` counts the run's trials from 1."""

    number: int
    scenario: Scenario
    arms: Mapping[ArmName, ArmRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """Which engine played a role: what was asked for, the name it calls itself by, and a SHA-256 of its sources.

    `lacks` is what it does not offer, by the names of `cutover.engines.api.Capabilities`; none in older runs.
    """

    spec: str
    name: str
    digest: str
    lacks: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name, and what was asked for where that is something else: many engines may have one name."""
        return self.name if self.spec == self.name else f"{self.name} ({self.spec})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a run was. `partial` says that it was interrupted; `files` maps each file to its SHA-256.

    `cases` counts the crash cases played, of `cases_planned`; `crash_budget_s` is the real time they were given, None
    where there was no such limit. `material` says whether the scenarios were drawn so that they show all that a sample
    should, or were chosen by the user; empty for runs that do not say. `command` is the one that made the run.
    `built_in` has SHA-256 of what that Cutover had built in and a run depends on, by what it is: by it a later one
    knows what it can work out anew. `signer` is the fingerprint of the key that the run was to be signed with; empty
    where it was not. `server_mode` is the kind of server that was asked for by --postgres-mode; empty where none was.
    """

    run_id: str
    created_at: datetime
    cutover_version: str
    seed: int
    stage: int
    control: EngineInfo
    candidate: EngineInfo
    server: str
    server_version: str
    planned: int
    finished: int
    workers: int
    seconds: float
    arguments: tuple[str, ...] = ()
    partial: bool = False
    schema_version: int = RUN_SCHEMA_VERSION
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, JsonValue] = field(default_factory=dict)
    cases: int = 0
    cases_planned: int = 0
    crash_budget_s: float | None = None
    material: Literal["designed", "chosen", ""] = ""
    command: Literal["run", "crash"] = "run"
    built_in: Mapping[str, str] = field(default_factory=dict)
    signer: str = ""
    server_mode: str = ""

    @property
    def sources(self) -> Mapping[str, str]:
        """The digests of the engines' sources, by their specs."""
        return {engine.spec: engine.digest for engine in (self.control, self.candidate)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """A saved run, loaded."""

    manifest: Manifest
    trials: tuple[Trial, ...]
