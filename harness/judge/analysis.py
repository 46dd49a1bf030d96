"""The analysis: everything that a report says of one run, from the run's rows and a policy. Pure.

Trials are taken one at a time and forgotten; what is kept grows by a few numbers a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.checks.base import Check
from cutover.harness.judge.crash.tally import CrashSummary
from cutover.harness.judge.differences.classify import Waives
from cutover.harness.judge.differences.noise import NoisyPath
from cutover.harness.judge.differences.normalisation import NormalisationSummary
from cutover.harness.judge.differences.waivers import Waiver, WaiverUse
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.measures.frames import sample
from cutover.harness.judge.measures.measurements import Measurement
from cutover.harness.judge.measures.trials import TrialMeasurements
from cutover.harness.judge.meta import material_reason
from cutover.harness.judge.policy.criteria import CriterionResult, judge_criteria
from cutover.harness.judge.policy.gate import Reason, StageVerdict, decide, ordered
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import Policy
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.summaries.checks import CheckSummary
from cutover.harness.judge.summaries.differences import DifferenceSample, DifferenceSummary
from cutover.harness.judge.summaries.distributions import Distribution, distributions
from cutover.harness.judge.summaries.headline import headline
from cutover.harness.judge.summaries.machine import MachineSummary, machine_summaries
from cutover.harness.judge.summaries.material import MaterialSummary
from cutover.harness.judge.summaries.sides import SideBySide, side_by_side
from cutover.harness.judge.view import DifferencePlace
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import Manifest, Trial
from cutover.scenarios.model import Scenario

__all__ = [
    "Analysis",
    "CheckSummary",
    "CriterionResult",
    "DifferenceSample",
    "DifferenceSummary",
    "SideBySide",
    "analyse",
    "conclude",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What a run comes to at one stage, with the evidence.

    `headline` is one sentence; `blocking` are the reasons that keep the stage from GO, strongest first, and
    `reasons` all. `trials` counts the trials judged, `trials_failed` those in which the candidate broke a required
    check, with at most five `failed_scenarios` as (trial number, scenario id). `criteria` are the stage's; those that
    the harness cannot measure have `measured` False. `drawn` counts the trials whose scenario chance chose, each
    content once. `crash` is what the crash cases came to, None where there are none. `not_tested` lists, in sentences,
    what the run says nothing of. `distributions` are the durations, for charts;
    `waivers` what became of each waiver; `noise` the paths at which the control differs from itself, tested;
    `normalisation` how many comparisons were equal only after it, `material` what the scenarios showed,
    `machine` what the machine needed for next to nothing, where it was read.
    """

    run_id: str
    stage: int
    stage_name: str
    policy_name: str
    policy_digest: str
    verdict: StageVerdict
    headline: str
    reasons: tuple[Reason, ...]
    blocking: tuple[Reason, ...]
    trials: int
    trials_failed: int
    failed_scenarios: tuple[tuple[int, str], ...]
    checks: tuple[CheckSummary, ...]
    criteria: tuple[CriterionResult, ...]
    differences: tuple[DifferenceSummary, ...]
    side_by_side: tuple[SideBySide, ...]
    crash: CrashSummary | None
    not_tested: tuple[str, ...]
    distributions: tuple[Distribution, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    noise: tuple[NoisyPath, ...] = ()
    drawn: int = 0
    normalisation: NormalisationSummary = field(default_factory=NormalisationSummary)
    material: MaterialSummary | None = None
    machine: tuple[MachineSummary, ...] = ()


def analyse(
    manifest: Manifest,
    trials: Iterable[Trial],
    policy: Policy,
    stage: int,
    *,
    cases: Iterable[tuple[Scenario, CaseRecord]] = (),
    routing: Sequence[Routed] = (),
    weighed: tuple[Weighed, ...] = (),
    machine: tuple[MachineReading, ...] = (),
    plays: Sequence[PlayRecord] = (),
    rereads: Iterable[Reread] = (),
    costs: Sequence[PlayCosts] = (),
    production: Mapping[str, Measurement] | None = None,
    checks: Mapping[str, Check] = CHECKS,
    waivers: Iterable[Waiver] = (),
    waives: Waives | None = None,
) -> Analysis:
    """Judges a run for one stage of a policy; goes through the trials again where the control is noisy.

    `cases` are its crash cases, each with its scenario; `routing` are the executions that the router served, `weighed`
    the memory of the engines' processes, `machine` what was read of the machine, `plays` and `rereads` what came of the
    plays and of reading executions again,
    `costs` what was counted of executions played in a ladder of sizes.
    `production` maps metrics to measurements that only production can make. `checks` are those of trials that the code
    has: one that the stage requires and that neither these nor the crash checks have makes it INVALID. `waivers` are
    those of a file; `waives` may decide in their stead. Raises
    PolicyError where there is no such stage.
    """
    if isinstance(trials, Iterator):
        trials = tuple(trials)

    scenarios = PreparedScenarios()

    def gather(noisy: frozenset[DifferencePlace]) -> Gathered:
        required = policy.stage(stage).required_checks
        found = Gathered(manifest, required, checks, waivers=waivers, waives=waives, noisy=noisy, scenarios=scenarios)
        for trial in trials:
            found.add(trial)
        return found

    gathered = gather(frozenset())
    places = gathered.noise.places()
    if places:
        gathered = gather(places)
    for scenario, record in cases:
        gathered.add_case(scenario, record)
    gathered.add_routing(routing)
    gathered.add_plays(plays)
    gathered.add_rereads(rereads)
    gathered.weighed = weighed
    gathered.machine = machine
    gathered.add_costs(costs, policy.costs)
    return conclude(gathered, policy, stage, production)


def conclude(
    gathered: Gathered, policy: Policy, stage: int, production: Mapping[str, Measurement] | None = None
) -> Analysis:
    """As `analyse`, where the trials have been gathered already, with the stage's required checks."""
    guarded, manifest = policy.stage(stage), gathered.manifest
    gathered.checks.add([gathered.keys.result()])
    crash = gathered.crash.summary()
    frames = gathered.tally.frames(
        cases=crash.cases - crash.unfired,
        case_duplicates=crash.duplicates,
        weighed=gathered.weighed,
        machine=gathered.machine,
    )
    summaries = gathered.checks.summaries(guarded.required_checks)
    results = judge_criteria(policy, stage, TrialMeasurements(frames), production)
    material = gathered.material.summary()
    reasons = (
        *gathered.facts.reasons(),
        material_reason(manifest, material.lacks()),
        *gathered.waivers.reasons(),
        *_reasons(summaries, results),
    )
    verdict, blocking = decide(reasons), ordered(reasons)
    other = policy.digest != default_policy().digest
    counts = replace(gathered.counts(), drawn=len(sample(frames)), other_policy=other)
    return Analysis(
        run_id=manifest.run_id,
        stage=stage,
        stage_name=guarded.name,
        policy_name=policy.name,
        policy_digest=policy.digest,
        verdict=verdict,
        headline=headline(verdict, stage, blocking, results, counts),
        reasons=reasons,
        blocking=blocking,
        trials=gathered.facts.trials,
        drawn=counts.drawn,
        trials_failed=gathered.failed,
        failed_scenarios=tuple(gathered.failed_scenarios),
        checks=summaries,
        criteria=results,
        differences=gathered.differences.summaries(),
        side_by_side=side_by_side(frames),
        crash=crash if crash.cases else None,
        waivers=gathered.waivers.uses(),
        noise=gathered.noise.paths(),
        normalisation=gathered.normalisation.summary(),
        material=material,
        not_tested=gathered.coverage.gaps(
            (summary.check for summary in summaries if summary.examined_candidate), results, manifest, crash, material
        ),
        distributions=distributions(frames, policy, stage),
        machine=machine_summaries(gathered.machine),
    )


def _reasons(summaries: Iterable[CheckSummary], results: Iterable[CriterionResult]) -> Iterator[Reason]:
    """One reason for each required check and each criterion."""
    for summary in summaries:
        if summary.required:
            yield Reason(part="check", id=summary.check, verdict=summary.verdict, text=summary.reason)
    for result in results:
        yield Reason(
            part="criterion",
            id=result.criterion.id,
            verdict=result.verdict,
            severity=result.criterion.severity,
            text=result.reason,
        )
