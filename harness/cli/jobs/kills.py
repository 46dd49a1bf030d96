"""Puts mutants through default runs, each until the check that it names has seen it. Does I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from cutover.engines.errors import CutoverError
from cutover.harness.cli.jobs.manifest import engine_info, new_manifest
from cutover.harness.cli.jobs.parts import PartPlayer, scenarios_to_kill
from cutover.harness.cli.plan import RunPlan, Where
from cutover.harness.cli.selection import select
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import Policy
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.mutants.catalog.deaths import DEATH_MUTANTS
from cutover.harness.mutants.catalog.engines import ENGINE_MUTANTS
from cutover.harness.mutants.model import EngineMutant, Routing
from cutover.harness.mutants.watch import LONG_CHECKS, KillWatch, MutantKilled, parts_that_speak
from cutover.harness.record.kills import PlayedPart, RunFate, RunKill, RunKillMatrix
from cutover.harness.record.trials import ArmName
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.model import Scenario

__all__ = ["kills_in_runs", "mutants_in_runs"]


def mutants_in_runs() -> tuple[EngineMutant, ...]:
    """Returns the mutants that can be a run's candidate: all broken engines. Broken routers are none."""
    return tuple(each for each in (*ENGINE_MUTANTS, *DEATH_MUTANTS) if not isinstance(each.experiment, Routing))


def kills_in_runs(
    server: Server,
    where: Where,
    *,
    only: Sequence[str],
    seeds: Sequence[int],
    parts: Sequence[PlayedPart],
    on_fate: Callable[[EngineMutant, RunFate], None],
) -> RunKillMatrix:
    """Puts the mutants that `only` names, or all, through a run of each seed; `on_fate` hears what came of each.

    Parts in which a mutant's check cannot speak are left out, and those that `parts` does not have.
    """
    began = time.monotonic()
    chosen = [each for each in mutants_in_runs() if not only or each.id in only]
    fates: dict[str, list[RunFate]] = {each.id: [] for each in chosen}
    for seed in seeds:
        runs = _RunsOfSeed(seed, server, where, parts)
        for mutant in chosen:
            fate = runs.fate(mutant)
            fates[mutant.id].append(fate)
            on_fate(mutant, fate)
    kills = (
        RunKill(id=each.id, pattern=each.pattern, check=each.check, chance=each.chance, fates=tuple(fates[each.id]))
        for each in chosen
    )
    return RunKillMatrix(seeds=tuple(seeds), kills=tuple(kills), seconds=time.monotonic() - began)


@dataclass
class _RunsOfSeed:
    """The default runs of one seed, which differ in nothing but their candidate.

    So the control's arms are run once, but where durations are compared, which must be of one run.
    """

    seed: int
    server: Server
    where: Where
    parts: Sequence[PlayedPart]
    policy: Policy = field(default_factory=default_policy)
    prepared: PreparedScenarios = field(default_factory=PreparedScenarios)
    controls: dict[int, Mapping[ArmName, bytes]] = field(default_factory=dict)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Those of the trials."""
        plan = RunPlan(seed=self.seed)
        return select(
            paths=plan.scenarios,
            imports=plan.imports,
            trials=plan.trials,
            generated=plan.generated,
            seed=plan.seed,
            only=plan.only,
            say=lambda _line: None,
        )

    @cached_property
    def to_kill(self) -> tuple[Scenario, ...]:
        """Those of the crash cases."""
        return scenarios_to_kill(self.scenarios)

    def fate(self, mutant: EngineMutant) -> RunFate:
        """Plays the run until the mutant's check has seen it, or to its end."""
        began = time.monotonic()
        problems: list[str] = []
        plan = RunPlan(candidate=mutant.engine, seed=self.seed)
        watch = self._watch(mutant, plan)
        player = PartPlayer(
            plan=plan,
            where=self.where,
            server=self.server,
            scenarios=self.scenarios,
            rows=watch,
            cases=self.policy.cases_asked(plan.stage),
            quiet=True,
            on_problem=problems.append,
            to_kill=self.to_kill,
            long=mutant.check in LONG_CHECKS,
            known={} if mutant.check in {each.id for each in self.policy.criteria} else self.controls,
        )
        fate = replace(_fate(mutant, watch, player, self.parts), seed=self.seed, seconds=time.monotonic() - began)
        self.controls |= watch.controls
        return replace(fate, problem="; ".join([*problems, *filter(None, [fate.problem])]))

    def _watch(self, mutant: EngineMutant, plan: RunPlan) -> KillWatch:
        manifest = new_manifest(
            self.server,
            run_id=mutant.id,
            created_at=datetime.now(UTC),
            seed=self.seed,
            stage=plan.stage,
            control=engine_info(plan.control),
            candidate=engine_info(plan.candidate),
            planned=len(self.scenarios),
            workers=self.where.workers,
        )
        return KillWatch(mutant.check, manifest, self.policy, self.prepared)


def _fate(mutant: EngineMutant, watch: KillWatch, player: PartPlayer, parts: Sequence[PlayedPart]) -> RunFate:
    killed: MutantKilled | None = None
    problem = ""
    try:
        player.play([part for part in parts_that_speak(mutant.check) if part in parts], watch.over)
    except MutantKilled as found:
        killed = found
    except CutoverError as error:  # as an engine that cannot be installed: the run has no verdict
        problem = str(error)
    seen = dict(watch.seen())
    if killed is None or mutant.check not in seen:
        seen |= watch.broken_criteria()
    return RunFate(
        seed=0,
        part=None if killed is None else killed.part,
        cases=0 if killed is None else killed.cases,
        played=watch.played,
        seen=tuple(seen),
        witness=seen.get(mutant.check, ""),
        problem=problem,
    )
