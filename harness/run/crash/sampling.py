"""Which scenarios and cases a sample of the crash matrix takes, and in which order. Pure but for its memory.

All cases of all scenarios would take hours, so a sample is spread: over scenarios that differ, over kill points at
which different things have happened, over ways, and over the number of deaths.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, cycle, islice
from typing import Final, TypeAlias

from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, KillPoint, Way
from cutover.harness.run.crash.features import LONG, WOKEN, PointFeatures, ScenarioFeatures
from cutover.harness.run.crash.plan import CasePlan, kinds_at, next_deaths, plan_cases
from cutover.scenarios.model import Scenario

__all__ = ["Sampler", "selection"]

_SELECTED: Final = 32
"""Scenarios that a sample is drawn from; their baselines take a few seconds."""
_ENOUGH: Final = 3
"""Scenarios that show a feature, from which on another one adds nothing."""
_MOST_EFFORT: Final = 60
"""Steps of a scenario that is worth killing again and again."""
_BASE_EFFORT: Final = 12
"""What a case costs beside its steps, in steps."""
_DEEPER_EACH: Final = 6
"""Every so many cases one with another death follows."""

_DEATHS_OF_THE_SERVER: Final = (WOKEN, "call", "request", "reply", "answer")
"""Where the server dies, in turn: first where an engine has acted upon a signal, and upon what was acknowledged."""

_FeatureSet: TypeAlias = tuple[str, ...]


def selection(own: Sequence[Scenario], catalog: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Scenarios to draw a sample of cases from, the least effort first.

    Each next one is that which shows most that is new, alone and in pairs, for its effort; the run's come before those
    of the catalog, where they show as much. Where the run's own show all there is, the catalog's are not needed. None
    of either may race a timer (`cutover.harness.judge.reference.races`).
    """
    ids = {scenario.id for scenario in own}
    known = {each.scenario.id: each for each in map(ScenarioFeatures, (*own, *catalog))}
    left = [each for each in known.values() if each.effort <= _MOST_EFFORT]
    if sum(each.scenario.id in ids for each in left) < _SELECTED:  # few are the run's own: none is too long
        left = [each for each in known.values() if each.effort <= _MOST_EFFORT or each.scenario.id in ids]
    wanted = {each.scenario.id: _aspects(each) for each in left}
    seen: Counter[_FeatureSet] = Counter()
    chosen: list[ScenarioFeatures] = []

    def worth(each: ScenarioFeatures) -> tuple[float, bool, int, str]:
        new = sum(
            _ENOUGH - seen[aspect] if len(aspect) == 1 else seen[aspect] == 0
            for aspect in wanted[each.scenario.id]
            if seen[aspect] < _ENOUGH
        )
        name = each.scenario.id
        return -new / (_BASE_EFFORT + each.effort), name not in ids, each.effort, name

    while left and len(chosen) < _SELECTED:
        best = min(left, key=worth)
        if worth(best)[0] < 0:
            left.remove(best)
            chosen.append(best)
            seen.update(wanted[best.scenario.id])
        elif seen:  # all is shown: from here on the run's own once more, as if nothing had been
            seen.clear()
            left = [each for each in left if each.scenario.id in ids]
        else:
            break
    return tuple(each.scenario for each in sorted(chosen, key=lambda each: (each.effort, each.scenario.id)))


def _aspects(features: ScenarioFeatures) -> tuple[_FeatureSet, ...]:
    shown = sorted(features.shown)
    return (*((name,) for name in shown), *combinations([name for name in shown if name != LONG], 2))


class Sampler:
    """Takes the cases of a plan in such an order that what was taken so far is spread as far as possible.

    Scenarios take turns. Of each comes the case whose cells fewest cases were of before; a cell is a kind of node and
    of kill point in one way, or something that has happened by then; storms, which take longest, share their cells.
    Ties are broken by the seed. What a resume passed through (`heard`) makes cases with another death, which come in
    between.
    """

    def __init__(self, trials: Iterable[CrashTrial], plan: CasePlan) -> None:
        self._plan = plan
        self._draw = random.Random(plan.seed)  # noqa: S311 - a sample, not a secret
        self._trials = {trial.scenario.id: trial for trial in trials}
        self._features = {name: PointFeatures(trial) for name, trial in self._trials.items()}
        self._counts: Counter[_FeatureSet] = Counter()
        self._cells: dict[tuple[str, KillPoint], tuple[tuple[_FeatureSet, ...], frozenset[str]]] = {}
        self._left = {name: self._shuffled(plan_cases(trial, plan)) for name, trial in self._trials.items()}
        self._deeper: list[CrashCase] = []
        self._deepened: dict[int, int] = {1: 0, 2: 0}
        self.total = sum(map(len, self._left.values()))

    def cases(self) -> Iterator[CrashCase]:
        """Yields every case of the plan once, and those that deepen a resume."""
        turn = 0
        while any(self._left.values()):
            for left in self._left.values():
                if left:
                    yield self._take(left)
                    turn += 1
                    if turn % _DEEPER_EACH == 0 and self._deeper:
                        yield self._take_deeper()

    def restarts(self, count: int) -> tuple[CrashCase, ...]:
        """Returns cases in which the server dies, where something was committed before, of as many kinds as fit."""
        found = [
            self._shuffled(
                case
                for case in plan_cases(trial, CasePlan(engine="", ways=(Way.RESTART,)))
                if self._done(case) or WOKEN in self._names_of(case)
            )
            for trial in self._trials.values()
        ]
        candidates = [case for cases in found for case in cases]
        chosen: list[CrashCase] = []
        for kind in islice(cycle(_DEATHS_OF_THE_SERVER), min(count, len(candidates))):
            best = self._take([case for case in candidates if kind in self._names_of(case)] or list(candidates))
            candidates.remove(best)
            chosen.append(best)
        return tuple(chosen)

    def heard(self, record: CaseRecord) -> None:
        """Takes note of how a resume went, which may be interrupted in its turn."""
        case = record.case
        if Way.AGAIN in self._plan.ways and record.fired == record.planned and case.way in {Way.ONCE, Way.AGAIN}:
            self._deeper += next_deaths(case, record.resume_points, self._plan)

    def _take(self, left: list[CrashCase]) -> CrashCase:
        best = min(left, key=self._rank)
        left.remove(best)
        self._counts.update(self._cells_of(best))
        return best

    def _take_deeper(self) -> CrashCase:
        """Returns a case with another death: third deaths are a third of them, as soon as there are some."""
        thirds = [case for case in self._deeper if case.third is not None]
        third = bool(thirds) and 2 * self._deepened[2] < self._deepened[1]
        case = self._take(thirds if third else [each for each in self._deeper if each.third is None] or thirds)
        self._deeper.remove(case)
        self._deepened[len(case.further)] += 1
        self.total += 1
        return case

    def _rank(self, case: CrashCase) -> tuple[int, int]:
        counts = [self._counts[cell] for cell in self._cells_of(case)]
        least = min(counts)
        return least, -counts.count(least)

    def _cells_of(self, case: CrashCase) -> list[_FeatureSet]:
        kinds, features = self._at(case.scenario, case.point)
        way = "storm" if case.storm else f"{case.way}{len(case.further) or ''}"
        where = "effect" if case.point.kind in {"call", "reply"} else "trip"
        return [*((*kind, way) for kind in kinds), *((feature, where, way) for feature in features)]

    def _at(self, name: str, point: KillPoint) -> tuple[tuple[_FeatureSet, ...], frozenset[str]]:
        known = self._cells.get((name, point))
        if known is None:
            kinds = tuple((kind, point.kind) for kind in kinds_at(self._trials[name], point))
            known = self._cells[name, point] = kinds, self._features[name].at(point)
        return known

    def _names_of(self, case: CrashCase) -> frozenset[str]:
        return self._at(case.scenario, case.point)[1] | {case.point.kind}

    def _done(self, case: CrashCase) -> bool:
        return self._features[case.scenario].done(case.point) > 0

    def _shuffled(self, cases: Iterable[CrashCase]) -> list[CrashCase]:
        every = list(cases)
        self._draw.shuffle(every)
        return every
