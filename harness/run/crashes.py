"""Runs every kill point and every way of resuming, on all cores. Does I/O through the runners."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engines.api import LoopNode, Workflow
from harness.judge.cases import Case, CaseRecord, CrashTrial, KillPoint, Way
from harness.run.case_lines import decode_baseline, decode_case
from harness.run.runners import Job, Runners
from scenarios.model import Scenario

__all__ = ["BASIC_WAYS", "Plan", "plan_cases", "replay_case", "run_crashes"]

BASIC_WAYS = (Way.ONCE, Way.TWICE, Way.CONCURRENT, Way.ZOMBIE)
_AT_REQUESTS = frozenset({Way.SERIALIZATION, Way.DEADLOCK})
_AT_ROUND_TRIPS = frozenset({Way.CUT, Way.DROP, Way.RESTART})
_AT_SIGNALS = frozenset({Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY})
_CANCELS = frozenset({Way.CANCEL, Way.CANCEL_LIVE})
_MOST_RESTARTS = 24
"""Restarting a server takes a second and nothing else can run meanwhile."""
_ALL_PAIRS_UP_TO = 8
"""Scenarios with at most this many kill points get every pair of deaths; larger ones a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: `ways` at every point that they fit; `limit` samples by seed, at least one case a scenario."""

    engine: str
    ways: tuple[Way, ...] = tuple(Way)
    seed: int = 0
    limit: int | None = None
    pairs_per_point: int = 1


def run_crashes(
    runners: Runners,
    scenarios: Sequence[Scenario],
    plan: Plan,
    on_record: Callable[[CaseRecord], None],
    on_planned: Callable[[int], None] = lambda _count: None,
) -> list[CrashTrial]:
    """Baselines first, then every planned case; `on_record` hears of each as it finishes.

    The trials hold no cases, which may be many: they went to `on_record`. `on_planned` hears how many there will be.
    """
    by_id = {scenario.id: scenario for scenario in scenarios}
    trials: dict[str, CrashTrial] = {}
    for _, line in runners.play(Job(s, None, _id(plan.seed, s.id)) for s in scenarios):
        name, (arm, points) = decode_baseline(line)
        trials[name] = CrashTrial(scenario=by_id[name], baseline=arm, points=points)
    ordered = [trials[scenario.id] for scenario in scenarios]
    cases = [case for trial in ordered for case in plan_cases(trial, plan)]
    restarts = _sample([case for case in cases if case.way is Way.RESTART], plan.seed, _MOST_RESTARTS)
    if not runners.restarts:
        restarts = []
    together = _sample([case for case in cases if case.way is not Way.RESTART], plan.seed, plan.limit)
    on_planned(len(together) + len(restarts))
    resumes: dict[Case, Mapping[str, int]] = {}
    for record in _play(runners, trials, together, plan.seed):
        if record.case.way is Way.ONCE:
            resumes[record.case] = record.resume_points
        on_record(record)
    if Way.AGAIN in plan.ways:
        second = [case for trial in ordered for case in _pairs(trial, resumes, plan)]
        on_planned(len(together) + len(restarts) + len(second))
        for record in _play(runners, trials, second, plan.seed):
            on_record(record)
    for record in _play(runners, trials, restarts, plan.seed, alone=True):
        on_record(record)
    return ordered


def replay_case(runners: Runners, scenario: Scenario, case: Case) -> CaseRecord:
    """One case, after a baseline that says what its kill point touches."""
    [(_, line)] = runners.play([Job(scenario, None, _id(0, scenario.id))])
    arm, points = decode_baseline(line)[1]
    trial = CrashTrial(scenario=scenario, baseline=arm, points=points)
    [record] = _play(runners, {scenario.id: trial}, [case], 0)
    return record


def plan_cases(trial: CrashTrial, plan: Plan) -> Iterator[Case]:
    """Every case of a scenario but those with two deaths, which need to know how the first resume goes."""
    begun = _begun(trial)
    for point in sorted(trial.points, key=lambda point: (point.number, point.kind)):
        for way in plan.ways:
            if way is not Way.AGAIN and _fits(way, point) and (way not in _CANCELS or begun(point)):
                yield Case(trial.scenario.id, point, way)


def _fits(way: Way, point: KillPoint) -> bool:
    if point.kind == "signal" or way in _AT_SIGNALS:
        return point.kind == "signal" and way in _AT_SIGNALS
    if way in _AT_REQUESTS:
        return point.kind == "request"
    if way in _AT_ROUND_TRIPS:
        return point.kind in {"request", "answer"}
    return True


def _begun(trial: CrashTrial) -> Callable[[KillPoint], bool]:
    """Whether an execution that dies at a point is there to be cancelled: its first steps have been committed."""
    first = min((point.number for point, steps in trial.points.items() if steps and point.kind == "answer"), default=0)

    def begun(point: KillPoint) -> bool:
        return point.kind in {"call", "reply"} or point.number > first or point == KillPoint("answer", first)

    return begun


def _pairs(trial: CrashTrial, resumes: Mapping[Case, Mapping[str, int]], plan: Plan) -> Iterator[Case]:
    """Second deaths: all of them on a small scenario, else some for each first one, drawn by the seed."""
    for point in sorted(trial.points, key=lambda point: (point.number, point.kind)):
        counts = resumes.get(Case(trial.scenario.id, point, Way.ONCE), {})
        seconds = [KillPoint(kind, n) for kind in ("request", "answer") for n in range(1, counts.get("request", 0) + 1)]
        seconds += [KillPoint(kind, n) for kind in ("call", "reply") for n in range(1, counts.get("call", 0) + 1)]
        if len(trial.points) > _ALL_PAIRS_UP_TO and len(seconds) > plan.pairs_per_point:
            draw = random.Random(f"{plan.seed}:{trial.scenario.id}:{point}")  # noqa: S311 - a sample, not a secret
            seconds = draw.sample(seconds, plan.pairs_per_point)
        yield from (Case(trial.scenario.id, point, Way.AGAIN, second) for second in seconds)


def _sample(cases: list[Case], seed: int, limit: int | None) -> list[Case]:
    """At most `limit` cases drawn by the seed, one of each scenario first; in the order given."""
    if limit is None or len(cases) <= limit:
        return cases
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    shuffled = draw.sample(cases, len(cases))
    firsts = {case.scenario: case for case in shuffled}
    rest = [case for case in shuffled if firsts[case.scenario] != case]
    chosen = set([*firsts.values(), *rest][:limit])
    return [case for case in cases if case in chosen]


def _play(
    runners: Runners, trials: Mapping[str, CrashTrial], cases: Iterable[Case], seed: int, *, alone: bool = False
) -> Iterator[CaseRecord]:
    jobs = (Job(trials[case.scenario].scenario, case, _id(seed, str(case))) for case in cases)
    for job, line in runners.play(jobs, alone=alone):
        record = decode_case(line)
        if job.case is not None:
            yield replace(record, node_kinds=_kinds(trials[job.case.scenario], job.case.point))


def _kinds(trial: CrashTrial, point: KillPoint) -> tuple[str, ...]:
    """The kinds of node whose steps the point touches; `execution` where it touches no step."""
    kinds = _node_kinds(trial.scenario.workflow)
    if point.kind == "signal":
        return ("wait",)
    paths = {"/".join(part.partition("[")[0] for part in step.split("/")) for step in trial.points.get(point, ())}
    return tuple(sorted({kinds[path] for path in paths if path in kinds})) or ("execution",)


def _node_kinds(workflow: Workflow, prefix: str = "") -> dict[str, str]:
    kinds: dict[str, str] = {}
    for node in workflow.nodes:
        kinds[prefix + node.id] = node.kind
        if isinstance(node, LoopNode):
            kinds |= _node_kinds(node.body, f"{prefix}{node.id}/")
    return kinds


def _id(seed: int, name: str) -> uuid.UUID:
    """An execution id that no other run of the same database has had, and that a replay may choose anew."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"cutover:{seed}:{name}:{uuid.uuid4()}")
