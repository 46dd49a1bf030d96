"""From crash cases to findings, coverage and a bound on what remains possible. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cutover.harness.judge.checks import CHECKS, run_checks
from cutover.harness.judge.checks.base import Check, Sheet
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.judge.crash.durable import DURABLE_CHECKS
from cutover.harness.judge.crash.order import look_at_order
from cutover.harness.judge.crash.times import TIME_CHECKS
from cutover.harness.judge.crash.view import CaseView, call_in_flight
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.measures.sampling import kinds_of
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.view import view_of
from cutover.harness.record.cases import CaseRecord, CrashTrial, KillPoint, PointKind, Way
from cutover.harness.record.trials import LedgerEntry, Trial
from cutover.scenarios.model import Scenario

__all__ = ["CRASH_CHECK_IDS", "CaseVerdict", "CoverageCell", "CrashSummary", "CrashTally", "judge_case"]

_OF_TRIALS: Final = ("DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "IDEM", "MET")
_OF_NEWER_TRIALS: Final = ("IDENT", "SECRET")
"""Those that are not made on cases of older versions, which did not record what they look at."""
_EXPECT_THE_END: Final = frozenset({"RETRY"})
"""Checks that count what a cancelled execution may not reach."""

_NEEDS_ROWS: Final = frozenset({"ACK"})
"""Checks of rows that not every version has saved."""

CRASH_CHECK_IDS: Final = (*CRASH_CHECKS, *_OF_TRIALS, *_OF_NEWER_TRIALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVerdict:
    """What one case came to: INCONCLUSIVE where its fault did not fire, FAIL where a check has a finding."""

    record: CaseRecord
    verdict: Verdict
    results: tuple[CheckResult, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that the checks hold against it."""
        return tuple(finding for result in self.results for finding in result.findings)

    def count(self, name: str) -> int:
        """Returns the sum of a count over all checks, such as `redeliveries`."""
        return sum(result.counts.get(name, 0) for result in self.results)


def judge_case(
    scenario: Scenario,
    record: CaseRecord,
    checks: Mapping[str, Check] = CHECKS,
    scenarios: PreparedScenarios | None = None,
) -> CaseVerdict:
    """Makes every check that fits on one case; of `checks`, which are of trials, those that fit an interrupted one.

    `scenarios` is what the caller keeps between cases of one scenario.
    """
    scenarios = scenarios or PreparedScenarios()
    in_flight = call_in_flight(record)
    arm = replace(record.arm, kills=max(record.fired, 1), ledger=_as_redelivery(record.arm.ledger, in_flight))
    trial = Trial(number=0, scenario=scenario, arms={"candidate": arm})
    view = view_of(trial, scenarios)
    case = CaseView(record, view.arms["candidate"])
    skipped = _EXPECT_THE_END if case.cancelled else frozenset[str]()
    results: list[CheckResult] = []
    names = _OF_TRIALS if record.clock_began_at is None else (*_OF_TRIALS, *_OF_NEWER_TRIALS)
    fitting = {name: checks[name] for name in names if name in checks and name not in skipped}
    if in_flight is not None and "ORD" in fitting:  # the order in which that call came says nothing
        without = replace(arm, ledger=tuple(entry for entry in arm.ledger if entry.sequence != in_flight))
        other = view_of(replace(trial, arms={"candidate": without}), scenarios)
        results = list(run_checks(other, {"ORD": fitting.pop("ORD")}))
    results += run_checks(view, fitting)
    for name, look in (*CRASH_CHECKS.items(), *DURABLE_CHECKS, *TIME_CHECKS, ("ORD", look_at_order)):
        sheet = Sheet(name, case.arm, view)
        look(case, sheet)
        if name in _NEEDS_ROWS and not record.acknowledged and not sheet.faults:
            continue  # an older version saved the case: what it lacks was not looked at
        results.append(sheet.result())
    verdict = Verdict.PASS
    if any(result.findings for result in results):
        verdict = Verdict.FAIL
    elif record.fired < record.planned:
        verdict = Verdict.INCONCLUSIVE
    return CaseVerdict(record=record, verdict=verdict, results=tuple(_named(result, record) for result in results))


def _named(result: CheckResult, record: CaseRecord) -> CheckResult:
    """Returns the result with the case's name in its findings."""
    if not result.findings:
        return result
    name = str(record.case)
    return replace(result, findings=tuple(replace(finding, case=name) for finding in result.findings))


def _as_redelivery(ledger: tuple[LedgerEntry, ...], in_flight: int | None) -> tuple[LedgerEntry, ...]:
    """Returns the ledger with the call in flight read as the redelivery it is."""
    return tuple(replace(each, after_completion=False) if each.sequence == in_flight else each for each in ledger)


@dataclass(frozen=True, slots=True, order=True)
class CoverageCell:
    """One cell of the coverage table."""

    node_kind: str
    point: PointKind
    way: Way


_ROUND_TRIP: Final[tuple[PointKind, ...]] = ("request", "answer")
_POINTS_OF: Final[Mapping[str, tuple[PointKind, ...]]] = {
    "execution": _ROUND_TRIP,
    "start": _ROUND_TRIP,
    "activity": (*_ROUND_TRIP, "call", "reply"),
    "condition": _ROUND_TRIP,
    "join": _ROUND_TRIP,
    "loop": _ROUND_TRIP,
    "wait": (*_ROUND_TRIP, "signal"),
}
"""Which kill points can touch which kind of node; `execution` stands for round trips that touch no step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashSummary:
    """What all cases came to.

    `points` counts the kill points at which something died, in so many `scenarios`; `classes` says how many of these
    have each kind of node. `planned` is how many cases the plan has, 0 where that is not known. All are chosen, none is
    drawn from the crashes of production, so no bound on a share follows from their number. `coverage` counts the
    planned, fired and passed cases of a cell; a case that touches two kinds of node is in both. `per_hundred` is the
    number of duplicates per hundred resumes; `witnesses` are failed cases, at most five a check. `missed` counts the
    kill points at which somebody should have died and nobody did. `partial` says that somebody interrupted it.
    """

    engine: str
    seed: int
    cases: int
    passed: int
    unfired: int
    failed: int
    duplicates: int
    lost: int
    redeliveries: int
    per_hundred: float
    examined: Mapping[str, int]
    failed_by_check: Mapping[str, int]
    coverage: Mapping[CoverageCell, tuple[int, int, int]]
    witnesses: tuple[Finding, ...]
    missed: int = 0
    planned: int = 0
    points: int = 0
    scenarios: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    partial: bool = False

    @property
    def untouched(self) -> tuple[tuple[str, PointKind], ...]:
        """The kinds of node and kill point that can come together and of which no case was played."""
        seen = {(cell.node_kind, cell.point) for cell in self.coverage}
        return tuple(
            (kind, point) for kind, points in _POINTS_OF.items() for point in points if (kind, point) not in seen
        )

    @property
    def verdict(self) -> Verdict:
        """FAIL where any case failed; INCONCLUSIVE if interrupted, without cases, or with a fault or a point missed."""
        if self.failed:
            return Verdict.FAIL
        if self.partial or not self.cases or self.unfired or self.missed:
            return Verdict.INCONCLUSIVE
        return Verdict.PASS


class CrashTally:
    """Judges cases one at a time and keeps only what a summary needs."""

    def __init__(
        self,
        engine: str,
        seed: int,
        checks: Mapping[str, Check] = CHECKS,
        scenarios: PreparedScenarios | None = None,
        *,
        planned: int = 0,
    ) -> None:
        self._engine, self._seed, self._checks, self._planned = engine, seed, checks, planned
        self._scenarios = scenarios or PreparedScenarios()
        self._verdicts: Counter[Verdict] = Counter()
        self._counts: Counter[str] = Counter()
        self._examined: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._cells: dict[CoverageCell, list[int]] = {}
        self._witnesses: list[Finding] = []
        self._killed_at: set[tuple[str, KillPoint]] = set()
        self._kinds: dict[str, frozenset[str]] = {}
        self._missed = 0

    def expect_sweep(self, trials: Iterable[CrashTrial]) -> None:
        """Notes, once all cases are in, at which kill points of these scenarios nobody was killed."""
        for trial in trials:
            points = {(trial.scenario.id, point) for point in trial.points if point.kind != "signal"}
            self._missed += len(points - self._killed_at)

    def add(self, scenario: Scenario, record: CaseRecord) -> CaseVerdict:
        """Judges one more case."""
        judged = judge_case(scenario, record, self._checks, self._scenarios)
        self._killed_at.add((scenario.id, record.case.point))
        if scenario.id not in self._kinds:
            self._kinds[scenario.id] = kinds_of(scenario.workflow)
        self._verdicts[judged.verdict] += 1
        self._counts.update(_counts(judged.results))
        for result in judged.results:
            self._examined[result.check] += result.examined
        blamed = {result.check: result.findings[0] for result in reversed(judged.results) if result.findings}
        for check, finding in blamed.items():
            self._failed[check] += 1
            if self._failed[check] <= 5:
                self._witnesses.append(finding)
        for kind in record.node_kinds:
            cell = self._cells.setdefault(CoverageCell(kind, record.case.point.kind, record.case.way), [0, 0, 0])
            cell[0] += 1
            cell[1] += record.fired >= record.planned
            cell[2] += judged.verdict is Verdict.PASS
        return judged

    def summary(self, *, partial_of: int | None = None) -> CrashSummary:
        """Returns what all cases so far came to; `partial_of` counts the planned ones of an interrupted matrix."""
        cases = sum(self._verdicts.values())
        failed = self._verdicts[Verdict.FAIL]
        duplicates = self._counts["duplicate_effects"] + self._counts["duplicate_steps"]
        return CrashSummary(
            engine=self._engine,
            seed=self._seed,
            cases=cases,
            passed=self._verdicts[Verdict.PASS],
            unfired=self._verdicts[Verdict.INCONCLUSIVE],
            failed=failed,
            duplicates=duplicates,
            lost=self._failed["LOST"],
            redeliveries=self._counts["redeliveries"],
            per_hundred=100 * duplicates / cases if cases else 0.0,
            examined=dict(self._examined),
            failed_by_check=dict(self._failed),
            coverage={cell: (counts[0], counts[1], counts[2]) for cell, counts in sorted(self._cells.items())},
            witnesses=tuple(self._witnesses),
            missed=self._missed,
            planned=self._planned if partial_of is None else partial_of,
            partial=partial_of is not None,
            points=len(self._killed_at),
            scenarios=len(self._kinds),
            classes=dict(sorted(Counter(kind for kinds in self._kinds.values() for kind in kinds).items())),
        )


def _counts(results: Iterable[CheckResult]) -> Counter[str]:
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.counts)
    return total
