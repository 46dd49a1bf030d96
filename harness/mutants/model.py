"""What a mutant is: a bug pattern, the check that must see it, and the smallest experiment that shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cutover.harness.record.cases import PointKind, Way

__all__ = [
    "AT_EFFECTS",
    "AT_ROUND_TRIPS",
    "FLOW",
    "Costs",
    "Crashes",
    "EngineMutant",
    "Plays",
    "Routing",
    "SoundControl",
    "Timing",
    "Trials",
]

FLOW: Final = "03-data-flow"
"""The scenario on which most mutants are shown: activities in a chain, each fed by the one before."""
AT_EFFECTS: Final[tuple[PointKind, ...]] = ("call", "reply")
AT_ROUND_TRIPS: Final[tuple[PointKind, ...]] = ("request", "answer")


@dataclass(frozen=True, slots=True)
class Trials:
    """The scenarios run once each, uninterrupted; with a companion, executions of that one run in between.

    With a control, that engine runs each of them twice beside it, and what differs is judged too. In the end every
    execution is read again.
    """

    scenarios: tuple[str, ...]
    companion: str | None = None
    control: str | None = None


@dataclass(frozen=True, slots=True)
class Crashes:
    """One scenario, interrupted in each of the ways at each of its kill points of these kinds (none named: all).

    `takeover_s` is how far the clock moves after a death, for an engine with another lease.
    """

    scenario: str
    ways: tuple[Way, ...]
    points: tuple[PointKind, ...] = ()
    takeover_s: float = 31.0


@dataclass(frozen=True, slots=True)
class Plays:
    """Plays by name, each on tables of its own; see `cutover.harness.run.side.plays`."""

    plays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """Executions started and resumed through a router while its flag changes."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One scenario so many times on the control and on the engine, twice each, for the policy to judge durations."""

    scenario: str
    times: int
    control: str = "v2"


@dataclass(frozen=True, slots=True)
class Costs:
    """What executions cost, counted in these plays of the ladder; a play is compared with those before it."""

    plays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineMutant:
    """A broken engine; `check` is the id of what must kill it, a check or a criterion. `engine` is a spec.

    `chance` says, with its reason, how likely a default run sees it, where it may not; empty where it must.
    """

    id: str
    pattern: str
    check: str
    engine: str
    experiment: Trials | Crashes | Plays | Routing | Timing | Costs
    chance: str = ""


@dataclass(frozen=True, slots=True)
class SoundControl:
    """A sound engine that looks odd: no check may hold anything against it.

    `counts` names what must have been counted, such as `redeliveries`, so that the control shows what it is there for.
    """

    id: str
    pattern: str
    engine: str
    experiments: tuple[Trials | Crashes | Plays | Routing | Timing | Costs, ...]
    counts: str = ""
