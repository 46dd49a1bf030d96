"""Judges a run's rows as they come, and stops the run at the first finding of one check. Pure but for its memory."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.costs.judgement import PERF, judge_costs
from cutover.harness.judge.crash.checks import HOLDS_WHEN
from cutover.harness.judge.crash.tally import CRASH_CHECK_IDS
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.flag import FLAG
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.measures.trials import TrialMeasurements
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.policy.criteria import judge_criteria
from cutover.harness.judge.policy.model import Policy
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.rereads import READ
from cutover.harness.record.cases import CaseRecord, CrashTrial
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.kills import PlayedPart
from cutover.harness.record.memory import Weighed
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import ArmName, Manifest, role
from cutover.harness.run.side.ladder import LADDER
from cutover.harness.store.lines import RecordedTrial, read_as
from cutover.harness.store.tables import Table
from cutover.scenarios.model import Scenario

__all__ = ["LONG_CHECKS", "KillWatch", "MutantKilled", "parts_that_speak"]

_OF_PLAYS: Final = frozenset({"SIGNAL", "INSTALL", "READ", "CLOCK", "IDENT", "SECRET", "DATA", "CONC", "CKPT", "MET"})
"""The checks that plays are made for."""
LONG_CHECKS: Final = frozenset({"CONC", "MET", "SECRET"})
"""Those that what takes long of the plays may show."""


class MutantKilled(Exception):
    """The check has its finding: in this part, after so many cases of it."""

    def __init__(self, part: PlayedPart, cases: int) -> None:
        super().__init__(part, cases)
        self.part, self.cases = part, cases


def parts_that_speak(check: str) -> tuple[PlayedPart, ...]:
    """Returns the parts of a run in which a check, or else a criterion, can speak; the others say nothing of it."""
    alone = {FLAG, *_OF_PLAYS, *HOLDS_WHEN}
    spoken = {
        PlayedPart.TRIALS: check in CHECKS or check == READ or check not in alone,
        PlayedPart.REREADS: check == READ,
        PlayedPart.ROUTING: check == FLAG,
        PlayedPart.MEMORY: check == "worker-memory",
        PlayedPart.PLAYS: check in _OF_PLAYS,
        PlayedPart.COSTS: check == PERF,
        PlayedPart.CRASHES: check in CRASH_CHECK_IDS,
    }
    return tuple(part for part in PlayedPart if spoken[part])


class KillWatch:
    """Takes a run's rows where its writer would, and raises MutantKilled with the row that shows the mutant.

    `check` is the id of a check or, judged where a part ends, of a criterion of the policy. `controls` are the
    control's arms, by trial.
    """

    def __init__(self, check: str, manifest: Manifest, policy: Policy, scenarios: PreparedScenarios) -> None:
        self.finished = self.cases = self.cases_planned = 0
        self.played: dict[PlayedPart, int] = {}
        self.controls: dict[int, Mapping[ArmName, bytes]] = {}
        self._check, self._policy, self._stage = check, policy, manifest.stage
        required = policy.stage(manifest.stage).required_checks
        self._gathered = Gathered(manifest, required, scenarios=scenarios)
        self._to_kill: dict[str, Scenario] = {}

    def write(self, trial: RecordedTrial) -> None:
        """Judges a trial."""
        self.finished += 1
        self.controls[trial.number] = {arm: line for arm, line in trial.lines.items() if role(arm) == "control"}
        self._gathered.add(trial.trial)
        self._look(PlayedPart.TRIALS, self.finished)

    def write_case(self, record: CaseRecord) -> None:
        """Judges a crash case."""
        self.cases += 1
        self._gathered.add_case(self._to_kill[record.case.scenario], record)
        self._look(PlayedPart.CRASHES, self.cases)

    def write_crash_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Notes the scenarios of crash cases."""
        self._to_kill |= {scenario.id: scenario for scenario in scenarios}

    def write_baselines(self, trials: Iterable[CrashTrial]) -> None:
        """Nothing is judged by them."""

    def write_routing(self, rows: Iterable[Routed]) -> None:
        """Judges whom the router served."""
        served = tuple(rows)
        self._gathered.add_routing(served)
        self._look(PlayedPart.ROUTING, len(served))

    def write_memory(self, rows: Iterable[Weighed]) -> None:
        """Notes what the engines weigh, for a criterion."""
        self._gathered.weighed = tuple(rows)
        self._look(PlayedPart.MEMORY, len(self._gathered.weighed))

    def write_lines(self, table: Table, lines: Iterable[bytes]) -> None:
        """Judges executions that were read again, or plays."""
        decoded = [json.loads(line) for line in lines]
        if table is Table.REREADS:
            self._gathered.add_rereads(read_as(Reread, row) for row in decoded)
            self._look(PlayedPart.REREADS, self.played.get(PlayedPart.REREADS, 0) + len(decoded))
        elif table is Table.PLAYS:
            rows = [read_as(PlayRecord, row) for row in decoded]
            self._gathered.add_plays(rows)
            first = bisect_left(range(len(rows)), x=True, key=self._shown_by(rows))
            before = self.played.get(PlayedPart.PLAYS, 0)
            self._look(PlayedPart.PLAYS, before + min(1 + first, len(rows)))

    def write_costs(self, rows: Iterable[PlayCosts]) -> None:
        """Judges what the plays of the ladder cost."""
        counted, limits = tuple(rows), self._policy.costs
        self._gathered.add_costs(counted, limits)
        seen_in = {told.scenario for told in self._findings(judge_costs(counted, limits))}
        self._look(PlayedPart.COSTS, _place([rung.name for rung in LADDER], seen_in))

    def over(self, part: PlayedPart) -> None:
        """Judges criteria by all that has come, where the watch is for one of them."""
        if self._check in {each.id for each in self._policy.criteria} and self._check in self.broken_criteria():
            raise MutantKilled(part, self.played.get(part, 0))

    def seen(self) -> Mapping[str, str]:
        """Returns the checks that hold something against the candidate, each with the reason.

        Findings that leave a run INCONCLUSIVE are some too, but for PERF's, which say that nothing was counted.
        """
        found = {told.check: told.message for told in self._gathered.keys.result().findings[:1]}
        for summary in self._gathered.checks.summaries(()):
            undecided = summary.verdict is Verdict.INCONCLUSIVE and summary.findings_candidate and summary.check != PERF
            if summary.verdict is Verdict.FAIL or undecided:
                found[summary.check] = summary.reason
        return found

    def broken_criteria(self) -> Mapping[str, str]:
        """Returns the criteria that the candidate fails by all that has come, each with the reason."""
        crash = self._gathered.crash.summary()
        frames = self._gathered.tally.frames(
            cases=crash.cases - crash.unfired, case_duplicates=crash.duplicates, weighed=self._gathered.weighed
        )
        results = judge_criteria(self._policy, self._stage, TrialMeasurements(frames))
        return {each.criterion.id: each.reason for each in results if each.verdict is Verdict.FAIL}

    def _findings(self, results: Iterable[CheckResult]) -> Iterator[Finding]:
        """Yields what the check holds against the candidate."""
        for result in results:
            if result.check == self._check and result.arm == "candidate":
                yield from (told for told in result.findings if told.verdict is Verdict.FAIL)

    def _shown_by(self, rows: Sequence[PlayRecord]) -> Callable[[int], bool]:
        """Returns whether the executions up to one show it; what the control does alone is known before."""
        alone = [row for row in rows if row.alone]

        def shown(last: int) -> bool:
            played = [row for row in rows[: last + 1] if not row.alone]
            return any(self._findings(judge_plays([*alone, *played])))

        return shown

    def _look(self, part: PlayedPart, cases: int) -> None:
        self.played[part] = cases
        if self._check in self.seen():
            raise MutantKilled(part, cases)


def _place(names: Sequence[str], seen_in: Collection[str]) -> int:
    """Returns the number of the first that shows it, or of all where none does."""
    return next((number for number, name in enumerate(names, start=1) if name in seen_in), len(names))
