"""Which crash cases there are and in which order they are played. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cutover.harness.record.cases import ALL_WAYS, CrashCase, CrashTrial, KillPoint, PointKind, Way
from cutover.harness.run.crash.features import node_kinds

__all__ = [
    "BASIC_WAYS",
    "SAMPLE_WAYS",
    "Budget",
    "CasePlan",
    "kinds_at",
    "next_deaths",
    "pairs",
    "plan_cases",
    "sample",
    "ways_without",
]

BASIC_WAYS = (Way.ONCE, Way.TWICE, Way.CONCURRENT, Way.ZOMBIE)
SAMPLE_WAYS = tuple(way for way in ALL_WAYS if way is not Way.RESTART)
"""What a sample is drawn from: not what stops the server for all, of which a few cases come at its end."""
_AT_REQUESTS = frozenset({Way.SERIALIZATION, Way.DEADLOCK})
_HELD_BACK = frozenset({Way.LAG})
_AT_ROUND_TRIPS = frozenset({Way.CUT, Way.DROP, Way.OUTAGE})
_AT_SIGNALS = frozenset({Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY})
_CANCELS = frozenset({Way.CANCEL, Way.CANCEL_LIVE})
_ALL_PAIRS_UP_TO = 8
"""Scenarios with at most this many kill points get every pair of deaths; larger ones a sample."""
_STORMS = frozenset({Way.DROP, *_AT_REQUESTS})
_STORM = 12
"""Faults in a row that are more than any engine's tries: it gives up, or goes on until they are over."""
_MOMENTS = 24
"""Random moments of each scenario."""
_NEXT = KillPoint("request", 1)
"""A refusal that comes twice or three times in a row: the next request is refused, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long a sample goes on: `usual_s`, and while fewer than `least` cases were interrupted, up to `most_s`.

    So many `restarts` of the server come at its end, where the server is ours; they are part of `usual_s`.
    """

    usual_s: float
    most_s: float
    least: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePlan:
    """What to run: `ways` at every point that they fit; `limit` samples by seed, at least one case a scenario;
    second deaths and restarts of the server come on top.
    """

    engine: str
    ways: tuple[Way, ...] = ALL_WAYS
    seed: int = 0
    limit: int | None = None
    pairs_per_point: int = 1


_NEEDS: Final[Mapping[Way, frozenset[str]]] = {
    Way.CONCURRENT: frozenset({"concurrent_workers", "lease"}),
    Way.ZOMBIE: frozenset({"concurrent_workers", "lease"}),
    Way.LAPSE: frozenset({"concurrent_workers", "lease", "injected_clock"}),
    Way.CANCEL: frozenset({"cancel"}),
    Way.CANCEL_LIVE: frozenset({"cancel", "concurrent_workers", "lease"}),
    Way.SIGNAL_TWICE: frozenset({"signals", "signal_ids"}),
    Way.SIGNAL_LATE: frozenset({"signals", "signal_ids"}),
    Way.SIGNAL_STRAY: frozenset({"signals"}),
}
"""What an engine has to offer for a way to be fair."""


def ways_without(ways: Iterable[Way], lacks: Collection[str]) -> tuple[Way, ...]:
    """Returns those of the ways that need nothing of what an engine lacks."""
    return tuple(way for way in ways if _NEEDS.get(way, frozenset()).isdisjoint(lacks))


def plan_cases(trial: CrashTrial, plan: CasePlan) -> Iterator[CrashCase]:
    """Yields every case of a scenario but those with two deaths, which need to know how the first resume goes."""
    if not trial.points and plan.ways:  # it hung or ended before it did anything, and a case shall say so
        yield CrashCase(trial.scenario.id, KillPoint("request", 1), plan.ways[0])
    if Way.RANDOM in plan.ways:
        yield from _moments(trial, plan)
    begun = _begun(trial)
    for point in _in_order(trial):
        for way in plan.ways:
            if way is Way.AGAIN or not _fits(way, point) or (way in _CANCELS and not begun(point)):
                continue
            yield CrashCase(trial.scenario.id, point, way)
            if way in _AT_REQUESTS:
                yield CrashCase(trial.scenario.id, point, way, _NEXT)
                yield CrashCase(trial.scenario.id, point, way, _NEXT, _NEXT)
            if way in _STORMS and point.kind == "request":
                yield CrashCase(trial.scenario.id, point, way, storm=_STORM)


def _moments(trial: CrashTrial, plan: CasePlan) -> Iterator[CrashCase]:
    """Yields deaths at moments that the seed draws, within about the time that the run without a crash took."""
    draw = random.Random(f"{plan.seed}:{trial.scenario.id}")  # noqa: S311 - a sample, not a secret
    for _ in range(_MOMENTS):
        at = 1 + int(draw.random() * trial.baseline.duration_ms * 1_000)
        yield CrashCase(trial.scenario.id, KillPoint("moment", at), Way.RANDOM)


def pairs(trial: CrashTrial, resumes: Mapping[CrashCase, Mapping[str, int]], plan: CasePlan) -> Iterator[CrashCase]:
    """Second deaths: all of them on a small scenario, else some for each first one, drawn by the seed.

    `resumes` says of cases resumed once how many round trips (`request`) and activity calls (`call`) that took.
    """
    every = len(trial.points) <= _ALL_PAIRS_UP_TO
    for point in _in_order(trial):
        case = CrashCase(trial.scenario.id, point, Way.ONCE)
        yield from next_deaths(case, resumes.get(case, {}), plan, every=every)


def next_deaths(
    case: CrashCase, resume_points: Mapping[str, int], plan: CasePlan, *, every: bool = False
) -> list[CrashCase]:
    """Returns the case with one death more, at points of its last resume: as many as the plan says, or at every one.

    There are none after the third.
    """
    if case.third is not None:
        return []
    points = [*_points("request", "answer", resume_points.get("request", 0))]
    points += _points("call", "reply", resume_points.get("call", 0))
    if not every and len(points) > plan.pairs_per_point:
        draw = random.Random(f"{plan.seed}:{case}")  # noqa: S311 - a sample, not a secret
        points = draw.sample(points, plan.pairs_per_point)
    if case.second is None:
        return [replace(case, way=Way.AGAIN, second=point) for point in points]
    return [replace(case, third=point) for point in points]


def sample(cases: list[CrashCase], seed: int, limit: int | None) -> list[CrashCase]:
    """At most `limit` cases drawn by the seed, one of each scenario first; in the order given."""
    if limit is None or len(cases) <= limit:
        return cases
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    shuffled = draw.sample(cases, len(cases))
    firsts = {case.scenario: case for case in reversed(shuffled)}
    rest = [case for case in shuffled if firsts[case.scenario] != case]
    chosen = set([*firsts.values(), *rest][:limit])
    return [case for case in cases if case in chosen]


def kinds_at(trial: CrashTrial, point: KillPoint) -> tuple[str, ...]:
    """Returns the kinds of node whose steps the point touches; `execution` where it touches no step."""
    if point.kind == "signal":
        return ("wait",)
    kinds = node_kinds(trial.scenario.workflow)
    paths = {"/".join(part.partition("[")[0] for part in step.split("/")) for step in trial.points.get(point, ())}
    return tuple(sorted({kinds[path] for path in paths if path in kinds})) or ("execution",)


def _in_order(trial: CrashTrial) -> list[KillPoint]:
    return sorted(trial.points, key=lambda point: (point.number, point.kind))


def _points(before: PointKind, after: PointKind, count: int) -> Iterator[KillPoint]:
    for number in range(1, count + 1):
        yield from (KillPoint(before, number), KillPoint(after, number))


def _fits(way: Way, point: KillPoint) -> bool:
    if way is Way.RANDOM:
        return False
    if point.kind == "signal" or way in _AT_SIGNALS:
        return point.kind == "signal" and way in _AT_SIGNALS
    if way in _AT_REQUESTS | _HELD_BACK:
        return point.kind == "request"
    if way is Way.LAPSE:
        return point.kind == "call"
    if way in _AT_ROUND_TRIPS:
        return point.kind in {"request", "answer"}
    return True


def _begun(trial: CrashTrial) -> Callable[[KillPoint], bool]:
    """Returns whether an execution that dies at a point can be cancelled: its first steps have been committed."""
    first = min((point.number for point, steps in trial.points.items() if steps and point.kind == "answer"), default=0)

    def begun(point: KillPoint) -> bool:
        return point.kind in {"call", "reply"} or point.number > first or point == KillPoint("answer", first)

    return begun
