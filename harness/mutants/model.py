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
    "Routing",
    "SoundControl",
    "Trials",
]

FLOW: Final = "03-data-flow"
"""The scenario on which most mutants are shown: activities in a chain, each fed by the one before."""
AT_EFFECTS: Final[tuple[PointKind, ...]] = ("call", "reply")
AT_ROUND_TRIPS: Final[tuple[PointKind, ...]] = ("request", "answer")


@dataclass(frozen=True, slots=True)
class Trials:
    """The scenarios run once each, uninterrupted; with a companion, executions of that one run in between.

    With a control, that engine runs each of them twice beside it, and what differs is judged too.
    """

    scenarios: tuple[str, ...]
    companion: str | None = None
    control: str | None = None


@dataclass(frozen=True, slots=True)
class Crashes:
    """One scenario, interrupted in each of the ways at each of its kill points of these kinds (none named: all)."""

    scenario: str
    ways: tuple[Way, ...]
    points: tuple[PointKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """Executions started and resumed through a router while its flag changes."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What executions cost, counted in these plays of the ladder; a play is compared with those before it."""

    plays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineMutant:
    """A broken engine; `check` is the id of the check that must kill it. `engine` is a spec for the registry."""

    id: str
    pattern: str
    check: str
    engine: str
    experiment: Trials | Crashes | Routing | Costs


@dataclass(frozen=True, slots=True)
class SoundControl:
    """A sound engine that looks odd: no check may hold anything against it.

    `counts` names what must have been counted, such as `redeliveries`, so that the control shows what it is there for.
    """

    id: str
    pattern: str
    engine: str
    experiments: tuple[Trials | Crashes | Routing | Costs, ...]
    counts: str = ""
