"""Which crash cases there are and in which order they are played. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cutover.engines.api import ActivityNode, LoopNode, Node, WaitNode, Workflow
from cutover.harness.record.cases import ALL_WAYS, CrashCase, CrashTrial, KillPoint, PointKind, Way
from cutover.scenarios.model import Scenario

__all__ = [
    "BASIC_WAYS",
    "SAMPLE_WAYS",
    "Budget",
    "CasePlan",
    "kinds_at",
    "pairs",
    "plan_cases",
    "sample",
    "selection",
    "spread",
]

BASIC_WAYS = (Way.ONCE, Way.TWICE, Way.CONCURRENT, Way.ZOMBIE)
SAMPLE_WAYS = tuple(way for way in ALL_WAYS if way not in {Way.AGAIN, Way.RESTART})
"""What a sample is drawn from: not what must wait for other cases, nor what stops the server for all."""
_AT_REQUESTS = frozenset({Way.SERIALIZATION, Way.DEADLOCK})
_AT_ROUND_TRIPS = frozenset({Way.CUT, Way.DROP, Way.RESTART})
_AT_SIGNALS = frozenset({Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY})
_CANCELS = frozenset({Way.CANCEL, Way.CANCEL_LIVE})
_ALL_PAIRS_UP_TO = 8
"""Scenarios with at most this many kill points get every pair of deaths; larger ones a sample."""
_SELECTED = 32
"""Scenarios that a sample is drawn from; their baselines take a few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long a sample goes on: `usual_s`, and while fewer than `least` cases were interrupted, up to `most_s`."""

    usual_s: float
    most_s: float
    least: int = 0


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


def plan_cases(trial: CrashTrial, plan: CasePlan) -> Iterator[CrashCase]:
    """Yields every case of a scenario but those with two deaths, which need to know how the first resume goes."""
    if not trial.points and plan.ways:  # it hung or ended before it did anything, and a case shall say so
        yield CrashCase(trial.scenario.id, KillPoint("request", 1), plan.ways[0])
    begun = _begun(trial)
    for point in _in_order(trial):
        for way in plan.ways:
            if way is not Way.AGAIN and _fits(way, point) and (way not in _CANCELS or begun(point)):
                yield CrashCase(trial.scenario.id, point, way)


def pairs(trial: CrashTrial, resumes: Mapping[CrashCase, Mapping[str, int]], plan: CasePlan) -> Iterator[CrashCase]:
    """Second deaths: all of them on a small scenario, else some for each first one, drawn by the seed.

    `resumes` says of cases resumed once how many round trips (`request`) and activity calls (`call`) that took.
    """
    for point in _in_order(trial):
        counts = resumes.get(CrashCase(trial.scenario.id, point, Way.ONCE), {})
        seconds = [*_points("request", "answer", counts.get("request", 0))]
        seconds += _points("call", "reply", counts.get("call", 0))
        if len(trial.points) > _ALL_PAIRS_UP_TO and len(seconds) > plan.pairs_per_point:
            draw = random.Random(f"{plan.seed}:{trial.scenario.id}:{point}")  # noqa: S311 - a sample, not a secret
            seconds = draw.sample(seconds, plan.pairs_per_point)
        yield from (CrashCase(trial.scenario.id, point, Way.AGAIN, second) for second in seconds)


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


def selection(own: Sequence[Scenario], catalog: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Scenarios to draw a sample of cases from, the smallest first.

    As few as show every kind of node and pause, those of the run before those of the catalog; then the run's smallest.
    None of either may race a timer (`cutover.harness.judge.reference.races`).
    """
    ordered = [*sorted(own, key=_size), *sorted(catalog, key=_size)]
    seen: set[str] = set()
    chosen: dict[str, Scenario] = {}
    for scenario in ordered:
        features = _features(scenario)
        if not features <= seen:
            seen |= features
            chosen.setdefault(scenario.id, scenario)
    for scenario in sorted(own, key=_size):
        if len(chosen) >= _SELECTED:
            break
        chosen.setdefault(scenario.id, scenario)
    return tuple(sorted(chosen.values(), key=_size))


def spread(trials: Iterable[CrashTrial], plan: CasePlan) -> list[CrashCase]:
    """Returns every case of the plan in the order in which a sample takes them: one of each cell, then another of each.

    A cell is one of the coverage; its first cases are of the smallest scenarios, and ties are broken by the seed.
    Scenarios with timers are a row of cells of their own.
    """
    draw = random.Random(plan.seed)  # noqa: S311 - a sample, not a secret
    counts: Counter[tuple[str, PointKind, Way]] = Counter()
    ranked: list[tuple[int, bool, float, CrashCase]] = []
    for trial in trials:
        timed = _features(trial.scenario) & {"timer"}
        for case in plan_cases(trial, plan):
            cells = [(kind, case.point.kind, case.way) for kind in {*kinds_at(trial, case.point), *timed}]
            ranked.append((min(counts[cell] for cell in cells), case.way not in BASIC_WAYS, draw.random(), case))
            counts.update(cells)
    return [case for *_, case in sorted(ranked)]


def kinds_at(trial: CrashTrial, point: KillPoint) -> tuple[str, ...]:
    """Returns the kinds of node whose steps the point touches; `execution` where it touches no step."""
    if point.kind == "signal":
        return ("wait",)
    kinds = _node_kinds(trial.scenario.workflow)
    paths = {"/".join(part.partition("[")[0] for part in step.split("/")) for step in trial.points.get(point, ())}
    return tuple(sorted({kinds[path] for path in paths if path in kinds})) or ("execution",)


def _in_order(trial: CrashTrial) -> list[KillPoint]:
    return sorted(trial.points, key=lambda point: (point.number, point.kind))


def _points(before: PointKind, after: PointKind, count: int) -> Iterator[KillPoint]:
    for number in range(1, count + 1):
        yield from (KillPoint(before, number), KillPoint(after, number))


def _fits(way: Way, point: KillPoint) -> bool:
    if point.kind == "signal" or way in _AT_SIGNALS:
        return point.kind == "signal" and way in _AT_SIGNALS
    if way in _AT_REQUESTS:
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


def _size(scenario: Scenario) -> tuple[int, str]:
    return len(list(_nodes(scenario.workflow))), scenario.id


def _features(scenario: Scenario) -> set[str]:
    """Returns what a scenario shows: kinds of node, and how an execution can pause."""
    nodes = list(_nodes(scenario.workflow))
    shown: set[str] = {node.kind for node in nodes}
    shown |= {"timer" for node in nodes if isinstance(node, WaitNode) and node.timeout_ms is not None}
    shown |= {"signal"} if scenario.signals else set()
    shown |= {"cancel"} if scenario.cancel_at_pause is not None else set()
    shown |= {
        "retry"
        for node in nodes
        if isinstance(node, ActivityNode)
        for response in scenario.world.get(node.id, ())
        if response.error is not None and response.retryable
    }
    return shown


def _nodes(workflow: Workflow) -> Iterator[Node]:
    for node in workflow.nodes:
        yield node
        if isinstance(node, LoopNode):
            yield from _nodes(node.body)


def _node_kinds(workflow: Workflow, prefix: str = "") -> dict[str, str]:
    kinds: dict[str, str] = {}
    for node in workflow.nodes:
        kinds[prefix + node.id] = node.kind
        if isinstance(node, LoopNode):
            kinds |= _node_kinds(node.body, f"{prefix}{node.id}/")
    return kinds
