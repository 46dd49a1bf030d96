"""The trials of a saved run: that all are there, each of its own scenario, under the ids that follow from the seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID, uuid5

from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.cli.verification.scenarios import AskedScenarios
from cutover.harness.record.trials import ARMS, ArmName, Trial, role
from cutover.harness.run.side.routing import EXECUTIONS
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.store.lines import scenario_text
from cutover.harness.store.reader import iter_rereads, iter_trials, load_routing
from cutover.reports.words import plain
from cutover.scenarios.model import Scenario

__all__ = ["check_trials"]


@dataclass(slots=True)
class _SeenTrials:
    """What of the trials is kept: their scenarios by number, and the candidate's executions that were read again."""

    scenarios: dict[int, Scenario] = field(default_factory=dict)
    kept: set[tuple[int, ArmName]] = field(default_factory=set)
    _ids: dict[str, int] = field(default_factory=dict)
    _times: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add(self, run: ClaimedRun, trial: Trial) -> None:
        """Takes one in. Raises RunError where it is not of its own."""
        number, scenario = trial.number, trial.scenario
        if number in self.scenarios:
            raise run.refusal(f"trial {number} is there twice")
        first = self._ids.setdefault(scenario.id, number)
        if first != number:
            raise run.refusal(f"trials {first} and {number} have the same scenario, {plain(scenario.id)}")
        self.scenarios[number] = scenario
        for name, arm in trial.arms.items():
            wanted = execution_id(run.manifest.seed, scenario, name, number)
            if arm.execution_id != wanted:
                raise run.refusal(
                    f"trial {number}, arm {name}: execution {arm.execution_id} is not the one that follows from seed "
                    f"{run.manifest.seed}, {wanted}"
                )
            for companion in arm.companions:
                if companion.execution_id != uuid5(wanted, companion.place):
                    raise run.refusal(f"trial {number}, arm {name}: the execution beside it is of another arm")
            if arm.began_at is not None:
                twin = self._times.setdefault((name, arm.began_at, arm.duration_ms), number)
                if twin != number:
                    raise run.refusal(f"trials {twin} and {number} have the same times: one is a copy of the other")
            if role(name) == "candidate" and arm.journal is not None and arm.failure is None:
                self.kept.add((number, name))


def check_trials(run: ClaimedRun) -> tuple[Scenario, ...]:
    """Returns the run's scenarios in the order of their trials. Raises RunError where one is not what it must be."""
    plan = run.plan()
    seen = _SeenTrials()
    for trial in iter_trials(run.folder):
        seen.add(run, trial)
    _check_numbers(run, seen.scenarios)
    scenarios = [scenario for _, scenario in sorted(seen.scenarios.items())]
    drawn = (number for number, each in sorted(seen.scenarios.items()) if each.origin == "generated")
    asked = AskedScenarios(plan, next(drawn, run.manifest.planned + 1), run.manifest.candidate.lacks)
    if run.whole or not asked.named:
        _check_scenarios(run, seen.scenarios, asked)
    _check_rereads(run, seen)
    if run.whole:
        _check_routing(run, scenarios)
    return tuple(scenarios)


def _check_numbers(run: ClaimedRun, scenarios: Mapping[int, Scenario]) -> None:
    planned = run.manifest.planned
    beyond = [number for number in scenarios if not 1 <= number <= planned]
    if beyond:
        raise run.refusal(f"trial {min(beyond)} is not one of the {planned} that were planned")
    if run.whole and len(scenarios) < planned:
        absent = next(number for number in range(1, planned + 1) if number not in scenarios)
        raise run.refusal(
            f"trial {absent} of {planned} is missing, and {planned - len(scenarios)} in all, though nobody interrupted "
            "the run; run again"
        )
    if not run.whole:
        run.unchecked.append(
            f"the trials that are missing: the run was interrupted after {len(scenarios)} of {planned}"
        )


def _check_scenarios(run: ClaimedRun, scenarios: Mapping[int, Scenario], asked: AskedScenarios) -> None:
    planned = run.manifest.planned
    if asked.total is not None and asked.total != planned:
        run.differs("scenarios", f"its arguments ask for {asked.total} trials, and it says that {planned} were planned")
        return
    for number, scenario in sorted(scenarios.items()):
        wanted = asked.at(number)
        if wanted is None or scenario_text(wanted) == scenario_text(scenario):
            continue
        made = f"drawn by seed {run.manifest.seed}" if wanted.origin == "generated" else "of the catalog"
        run.differs(
            "scenarios",
            f"trial {number} ran scenario {plain(scenario.id)}, which is not what was {made}, {wanted.id}: it was "
            "replaced, or the seed was another",
        )
    if asked.named:
        run.unchecked.append("the scenarios of named files, and that none of these is missing: the files are not in it")


def _check_rereads(run: ClaimedRun, seen: _SeenTrials) -> None:
    """Every candidate's execution that can be is read again at the end, once, and no other."""
    found: set[tuple[int, ArmName]] = set()
    for row in iter_rereads(run.folder):
        place = (row.trial, row.arm)
        scenario = seen.scenarios.get(row.trial)
        if scenario is None or place not in seen.kept or place in found:
            raise run.refusal(f"trial {row.trial}, arm {row.arm}: it was read again at the end, and cannot have been")
        if row.execution_id != execution_id(run.manifest.seed, scenario, row.arm, row.trial):
            raise run.refusal(f"trial {row.trial}, arm {row.arm}: what was read again at the end is of another run")
        found.add(place)
    if run.whole and (found or run.newer) and (absent := seen.kept - found):
        number, arm = min(absent)
        raise run.refusal(f"trial {number}, arm {arm}: it was not read again at the end, nor were {len(absent)} in all")


def _check_routing(run: ClaimedRun, scenarios: list[Scenario]) -> None:
    found = [row.execution_id for row in load_routing(run.folder)]
    if found and found != list(islice(_routed(run, scenarios), EXECUTIONS)):
        raise run.refusal("the executions that the router served are not those that follow from the seed")


def _routed(run: ClaimedRun, scenarios: list[Scenario]) -> Iterator[UUID]:
    for arm in reversed(ARMS):
        for number, scenario in enumerate(scenarios, start=1):
            yield execution_id(run.manifest.seed, scenario, arm, number)
