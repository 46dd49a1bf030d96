"""Crash cases: where an execution is interrupted, how it is resumed, and what came of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, Self, TypeAlias, cast, get_args

from cutover.engines.api import Journal
from cutover.engines.errors import CutoverError
from cutover.harness.record.acknowledged import Acknowledged
from cutover.harness.record.trials import ArmRecord
from cutover.scenarios.model import Scenario

__all__ = [
    "ALL_WAYS",
    "CaseError",
    "CaseRecord",
    "CommandRecord",
    "CrashCase",
    "CrashTrial",
    "Ended",
    "KillPoint",
    "Moment",
    "PointKind",
    "Way",
]


class CaseError(CutoverError):
    """A case's name that cannot be read; the message says how one is written."""


Ended: TypeAlias = Literal["returned", "raised", "killed", "died", "hung"]
"""How a command ended: by itself, by an error, by our kill, by the engine's own exit, or past its deadline."""
PointKind: TypeAlias = Literal["request", "answer", "call", "reply", "signal", "moment"]
"""`request`: before a request reaches Postgres. `answer`: Postgres has answered, the engine has not heard it (the
ambiguous commit). `call`: before an activity's effect. `reply`: after the effect, before the engine hears of it.
`signal`: at the delivery of a signal; nobody dies there. `moment`: so many microseconds of real time after the first
command, wherever the process is by then; no point of an uninterrupted run."""


class Way(StrEnum):
    """How the execution is interrupted and goes on. The first five begin with a death at the kill point."""

    ONCE = "once"
    """SIGKILL; one worker resumes."""
    TWICE = "twice"
    """As once; then the ended execution is resumed again."""
    CONCURRENT = "concurrent"
    """SIGKILL; two workers resume at the same moment."""
    ZOMBIE = "zombie"
    """SIGSTOP; another worker takes over and ends; SIGCONT."""
    AGAIN = "again"
    """SIGKILL; SIGKILL once more during the resume, or twice, at points of their own; then one worker resumes."""
    CUT = "cut"
    """The connection ends with 57P01; the process lives."""
    DROP = "drop"
    """The connection ends without a word; the process lives."""
    OUTAGE = "outage"
    """Every connection ends and none is accepted until the command has ended, or for a while; the process lives."""
    SERIALIZATION = "serialization"
    """The request is answered with 40001 and not carried out."""
    DEADLOCK = "deadlock"
    """The request is answered with 40P01 and not carried out."""
    RESTART = "restart"
    """The server is stopped with immediate and started again."""
    CANCEL = "cancel"
    """SIGKILL; the execution is cancelled instead of resumed."""
    CANCEL_LIVE = "cancel-live"
    """SIGSTOP; another worker cancels the execution; SIGCONT."""
    SIGNAL_TWICE = "signal-twice"
    """The signal is delivered twice in a row."""
    SIGNAL_LATE = "signal-late"
    """The signal is delivered once more when the execution has ended."""
    SIGNAL_STRAY = "signal-stray"
    """A signal of the same name and another id comes when the execution has ended."""
    LAG = "lag"
    """A request is held back while the process goes on, up to its next activity call; SIGKILL; one worker resumes."""
    RANDOM = "random"
    """SIGKILL at a moment of real time that the seed draws; one worker resumes."""
    LAPSE = "lapse"
    """An activity takes longer than a lease lasts; another worker resumes meanwhile, and must be turned away."""


ALL_WAYS = tuple(way for way in Way if way not in {Way.LAPSE, Way.RANDOM})
"""All but the one that asks an engine to renew its lease as fast as a harness moves time, which few do, and but for
moments of real time, which do not come again as they were."""


@dataclass(frozen=True, slots=True, order=True)
class KillPoint:
    """One place where a process can die; `number` counts round trips, or activity calls, from 1, or is a time.

    With a `mark`, eight hexadecimal digits that stand for what happens there and for how often it has happened, that
    is where it is found again, and the number is only its place in the uninterrupted run. Points of an engine that has
    one connection have none.
    """

    kind: PointKind
    number: int
    mark: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}{f'~{self.mark}' if self.mark else ''}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the point that `str` wrote; raises CaseError."""
        found = _POINT.fullmatch(text)
        if found is None or found["kind"] not in get_args(PointKind) or int(found["number"]) < 1:
            raise CaseError(f"{text!r} is not a kill point; write one like answer:3 ({', '.join(get_args(PointKind))})")
        return cls(cast("PointKind", found["kind"]), int(found["number"]), found["mark"] or "")


_POINT: Final = re.compile(r"(?P<kind>\w+):(?P<number>[0-9]+)(?:~(?P<mark>[0-9a-f]{8}))?")
_CASE: Final = re.compile(
    r"(?P<scenario>.+)@(?P<point>\w+:\d+(?:~[0-9a-f]{8})?)/(?P<way>[a-z-]+)"
    r"(?::(?P<storm>[1-9]\d*)|@(?P<second>\w+:\d+)(?:@(?P<third>\w+:\d+))?)?"
)
_STORMS: Final = frozenset({Way.DROP, Way.SERIALIZATION, Way.DEADLOCK})
"""Ways whose fault can come many times in a row."""


@dataclass(frozen=True, slots=True, order=True)
class CrashCase:
    """One scenario, interrupted at one point in one way; `second` and `third` are where it is interrupted once more.

    Both are counted from the fault before them: in the resume for `again`, in what follows a refusal for the others.
    A `storm` is one fault of so many parts: it strikes so many requests in a row, or fewer, since it ends with the
    command.
    """

    scenario: str
    point: KillPoint
    way: Way
    second: KillPoint | None = None
    third: KillPoint | None = None
    storm: int = field(default=0, kw_only=True)

    @property
    def further(self) -> tuple[KillPoint, ...]:
        """The points of the faults after the first."""
        return tuple(point for point in (self.second, self.third) if point is not None)

    def __str__(self) -> str:
        storm = f":{self.storm}" if self.storm else ""
        return f"{self.scenario}@{self.point}/{self.way}{storm}" + "".join(f"@{point}" for point in self.further)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the case that `str` wrote, as `cutover crash --case` takes it; raises CaseError."""
        match = _CASE.fullmatch(text)
        if match is None or match["way"] not in set(Way):
            ways = ", ".join(Way)
            raise CaseError(f"{text!r} is not a case; write SCENARIO@answer:3/once (ways: {ways})")
        if match["storm"] and match["way"] not in _STORMS:
            ways = ", ".join(sorted(_STORMS))
            raise CaseError(
                f"{text!r} is not a case; many times in a row, as in SCENARIO@request:3/drop:12, come {ways}"
            )
        further = [KillPoint.parse(match[name]) for name in ("second", "third") if match[name]]
        point, storm = KillPoint.parse(match["point"]), int(match["storm"] or 0)
        return cls(match["scenario"], point, Way(match["way"]), *further, storm=storm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened in a case, in order; `worker` counts the processes from 1, 0 is the harness.

    `what` is one of start, command, done, raised, request, answer, call, reply, sleep, kill, stop, go-on, died,
    takeover, cut, refused, away, back, restart, hang, effect, lag. `at_ms` is real time since the case began.
    """

    at_ms: float
    worker: int
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """One command to one worker and how it ended; `calls` are the ledger sequences of what it asked of the world."""

    worker: int
    command: str
    ended: Ended
    error_type: str = ""
    message: str = ""
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """What came of a case.

    `fired` counts the planned faults that happened, of `planned`; a storm is one. `at_crash` is the journal right after
    the fault (None where nothing had been committed), `before_go_on` the one before a zombie went on. `arm` holds the
    final journal, the ledger, the logs and what resuming again did. `node_kinds` are the kinds of node that the kill
    point touches. `resume_points` counts the kill points of the resume, by kind; `leftovers` the processes that the
    engine left behind; `strays` are tables and the like that appeared meanwhile. `clock_shift_ms` is how far waiting
    for a lease moved time. `acknowledged` is what was committed at one moment after another, before and after each
    fault and at each pause; runs that older versions saved have none. `clock_began_at` is the injected clock when the
    case began; None there. `order` are the activity steps in the order in which the run without a crash began them,
    empty there. `number` counts the cases of a run from 1, in the order in which they were begun, and `heard` how many
    had ended by then, in the order in which they are saved; both are 0 there.
    """

    case: CrashCase
    planned: int
    fired: int
    arm: ArmRecord
    node_kinds: tuple[str, ...] = ()
    resume_points: Mapping[str, int] = field(default_factory=dict)
    at_crash: Journal | None = None
    before_go_on: Journal | None = None
    commands: tuple[CommandRecord, ...] = ()
    moments: tuple[Moment, ...] = ()
    leftovers: int = 0
    strays: tuple[str, ...] = ()
    clock_shift_ms: int = 0
    acknowledged: tuple[Acknowledged, ...] = ()
    clock_began_at: datetime | None = None
    order: tuple[str, ...] = ()
    number: int = 0
    heard: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashTrial:
    """All cases of one scenario on one engine, and the uninterrupted run that counted its kill points."""

    scenario: Scenario
    baseline: ArmRecord
    points: Mapping[KillPoint, tuple[str, ...]]
    cases: tuple[CaseRecord, ...] = field(default_factory=tuple)

    @property
    def order(self) -> tuple[str, ...]:
        """The activity steps in the order in which that run began them."""
        ledger = sorted(self.baseline.ledger, key=lambda entry: entry.sequence)
        return tuple(dict.fromkeys(entry.step_id for entry in ledger))
