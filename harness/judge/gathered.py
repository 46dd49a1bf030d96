"""What is gathered of a run's trials and crash cases, one at a time; they themselves may be forgotten. Pure.

Trials may be gathered apart, part by part, and put together in their order: the result is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from cutover.harness.judge import flag, plays
from cutover.harness.judge.checks import CHECKS, asked_of, broken_checks, run_checks, without_unasked
from cutover.harness.judge.checks.base import Check
from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.crash.checks import HOLDS_WHEN
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.judge.differences.classify import Waives, classify
from cutover.harness.judge.differences.noise import Noise
from cutover.harness.judge.differences.normalisation import Normalisation
from cutover.harness.judge.differences.waivers import Waiver, WaiversInUse
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.flag import FLAG, judge_routing
from cutover.harness.judge.identity import RunKeys
from cutover.harness.judge.measures.tally import Tally
from cutover.harness.judge.meta import RunFacts
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.rereads import judge_rereads
from cutover.harness.judge.summaries.checks import SAMPLES, CheckCollector
from cutover.harness.judge.summaries.coverage import LanguageCoverage
from cutover.harness.judge.summaries.differences import DifferenceCollector
from cutover.harness.judge.summaries.headline import JudgedCounts
from cutover.harness.judge.summaries.material import MaterialCollector
from cutover.harness.judge.view import DifferencePlace, view_of
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import Manifest, Trial
from cutover.scenarios.model import Scenario

__all__ = ["Gathered"]


class Gathered:
    """What is kept of the trials; `checks` are those of trials that the code has.

    Waivers hold by the day on which the run was made; `waives`, where given, decides in their stead which differences
    are waived. `noisy` are places that an earlier gathering of the same trials has shown to be noise. `scenarios` is
    what the caller keeps between gatherings of the same scenarios.
    """

    def __init__(
        self,
        manifest: Manifest,
        required: Iterable[str],
        checks: Mapping[str, Check] = CHECKS,
        *,
        waivers: Iterable[Waiver] = (),
        waives: Waives | None = None,
        noisy: frozenset[DifferencePlace] = frozenset(),
        scenarios: PreparedScenarios | None = None,
    ) -> None:
        self.manifest = manifest
        self._registered = checks
        self._noisy = noisy
        self._scenarios = scenarios or PreparedScenarios()
        self.waivers = WaiversInUse(waivers, manifest.created_at.astimezone(UTC).date())
        self._waives = waives or self.waivers
        self.noise = Noise()
        self.normalisation = Normalisation()
        self.facts = RunFacts(manifest)
        self.tally = Tally(required)
        holds_when = {name: check.holds_when for name, check in checks.items()}
        known = {**holds_when, **HOLDS_WHEN, FLAG: flag.HOLDS_WHEN, **plays.HOLDS_WHEN}
        self.checks = CheckCollector(known, manifest.candidate.lacks)
        self.crash = CrashTally(
            manifest.candidate.label,
            manifest.seed,
            asked_of(manifest.candidate.lacks, checks),
            self._scenarios,
            planned=manifest.cases_planned,
        )
        self.differences = DifferenceCollector()
        self.coverage = LanguageCoverage()
        self.keys = RunKeys()
        self.material = MaterialCollector()
        self.weighed: tuple[Weighed, ...] = ()
        self.machine: tuple[MachineReading, ...] = ()
        self.failed = 0
        self.failed_scenarios: list[tuple[int, str]] = []

    def counts(self) -> JudgedCounts:
        """Returns how much was judged, for the headline."""
        waived = sum(use.hits for use in self.waivers.uses())
        return JudgedCounts(trials=self.facts.trials, failed=self.failed, cases=self.facts.cases, waived=waived)

    def add_case(self, scenario: Scenario, record: CaseRecord) -> None:
        """Judges one crash case; what the checks say of it counts as said of the candidate."""
        self.facts.add_case(record)
        try:
            judged = self.crash.add(scenario, record)
        except Exception as error:  # noqa: BLE001 - as with trials
            self.facts.unjudged.add(f"case {record.case}: {type(error).__name__}: {error}")
            return
        self.checks.add(judged.results)

    def add_routing(self, rows: Sequence[Routed]) -> None:
        """Judges whom the router served; without any there is nothing for FLAG to look at, and no result."""
        if rows:
            self.checks.add([judge_routing(rows)])

    def add_plays(self, rows: Sequence[PlayRecord]) -> None:
        """Judges the run's plays; without any there is nothing for their checks to look at."""
        self.facts.add_plays(rows)
        self.keys.add_plays(rows)
        self.checks.add(plays.judge_plays(rows, self.manifest.candidate.lacks))

    def add_rereads(self, rows: Iterable[Reread]) -> None:
        """Judges the executions that were read again."""
        self.checks.add([judge_rereads(rows)])

    def add_costs(self, rows: Sequence[PlayCosts], limits: CostLimits) -> None:
        """Judges what the plays of either engine cost; a run without any is judged by its trials alone."""
        self.checks.add(judge_costs(rows, limits))

    def add(self, trial: Trial) -> None:
        """Judges one trial; one that cannot be judged is an ERROR of the run, and no reason to stop."""
        self.facts.add(trial)
        self.keys.add(trial)
        self.coverage.add(trial.scenario)
        results: Sequence[CheckResult] = ()
        try:
            view = view_of(trial, self._scenarios, self._noisy, self.manifest.candidate.lacks)
            self.material.add(trial.scenario, view.prepared.expected)
            results = without_unasked(run_checks(view, self._registered), self.manifest.candidate.lacks)
            differences = classify(view, self._waives)
            results = self.waivers.without_waived(results, trial)
            self.noise.add(trial, view.noise, differences)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in the judge must block the stage
            self.checks.add(results or broken_checks(trial, self._registered, error))
            self.facts.unjudged.add(f"trial {trial.number}, {trial.scenario.id}: {type(error).__name__}: {error}")
            self.tally.add_unjudged(trial)
            return
        self.checks.add(results)
        self.differences.add(trial, differences)
        self.normalisation.add(view, differences)
        if self.tally.add(trial, results, differences, view.prepared.expected):
            self.failed += 1
            if len(self.failed_scenarios) < SAMPLES:
                self.failed_scenarios.append((trial.number, trial.scenario.id))

    def part(self) -> dict[str, Any]:
        """Returns all that was taken in of trials, as JSON can carry it; another's `absorb` takes it over."""
        return {
            "facts": self.facts.part(),
            "tally": self.tally.part(),
            "checks": self.checks.part(),
            "differences": self.differences.part(),
            "coverage": self.coverage.part(),
            "material": self.material.part(),
            "waivers": self.waivers.part(),
            "noise": self.noise.part(),
            "keys": self.keys.part(),
            "normalisation": self.normalisation.part(),
            "failed": self.failed,
            "failed_scenarios": self.failed_scenarios,
        }

    def absorb(self, part: Mapping[str, Any]) -> None:
        """Takes over what was gathered of trials that come after those here: the same as if they had been added."""
        self.facts.absorb(part["facts"])
        self.tally.absorb(part["tally"])
        self.checks.absorb(part["checks"])
        self.differences.absorb(part["differences"])
        self.coverage.absorb(part["coverage"])
        self.material.absorb(part["material"])
        self.waivers.absorb(part["waivers"])
        self.noise.absorb(part["noise"])
        self.keys.absorb(part["keys"])
        self.normalisation.absorb(part["normalisation"])
        self.failed += part["failed"]
        more = part["failed_scenarios"][: SAMPLES - len(self.failed_scenarios)]
        self.failed_scenarios += [(number, scenario) for number, scenario in more]
