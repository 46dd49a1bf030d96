"""The analysis of literal runs: a good one goes, and nothing that lacks evidence ever does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args
from uuid import UUID

import pytest
from histories import GOOD, SCENARIO
from rows import CALL, CHECKPOINT, ENGINES, EXECUTION, MANIFEST, NOW, STEP

from cutover.engines.api import (
    ActivityNode,
    Edge,
    ExecutionStatus,
    Journal,
    RetryPolicy,
    StartNode,
    StepRow,
    StepStatus,
    TimerRow,
    Workflow,
)
from cutover.harness.judge.analysis import Analysis, analyse
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.checks.base import Check
from cutover.harness.judge.findings import CheckResult, DifferenceClass, Finding, Verdict
from cutover.harness.judge.measures.measurements import Gauge, Measurement
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.judge.policy.model import Policy, PolicyError
from cutover.harness.judge.view import TrialView
from cutover.harness.record.acknowledged import acknowledged
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, KillPoint, Way
from cutover.harness.record.memory import Weighed
from cutover.harness.record.plays import PlayCheck, PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import ARMS, Again, ArmName, ArmRecord, LedgerEntry, Manifest, Trial, role
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import Response, Scenario

SHIP = Scenario(
    id="ship",
    workflow=Workflow(
        id="w",
        nodes=(StartNode(id="start"), ActivityNode(id="ship", activity="post", retry=RetryPolicy(max_retries=1))),
        edges=(Edge(source="start", target="ship"),),
    ),
    input=1,
    world={"ship": (Response(error="busy"), Response(output=7))},
)
DECISIVE = (
    "OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "LOG", "IDEM", "MET", "PERF",
    "CLOCK", "IDENT", "SECRET", "BESIDE",
)  # fmt: skip


def journal(status: ExecutionStatus, ship: StepStatus, checkpoint_ms: float | None) -> Journal:
    done = status in {"completed", "failed"}
    execution = replace(
        EXECUTION,
        status=status,
        output="7" if status == "completed" else None,
        error=None if status == "completed" else "busy",
        version=2,
        finished_at=NOW if done else None,
    )
    return Journal(
        execution=execution,
        steps=(step("start", "completed", "1"), step("ship", ship, "7" if ship == "completed" else None)),
        checkpoints=(replace(CHECKPOINT, duration_ms=checkpoint_ms),),
    )


def step(name: str, status: StepStatus, output: str | None) -> StepRow:
    return replace(
        STEP,
        step_id=name,
        node_id=name,
        status=status,
        output=output,
        ports=("out",) if output else (),
        error="busy" if status == "failed" else None,
    )


def call(attempt: int, *, effect: bool = True) -> LedgerEntry:
    made = replace(CALL, sequence=attempt, attempt=attempt, effect="applied" if effect else "none")
    return made if attempt > 1 else replace(made, status="error", output=None, ports=(), error="busy", effect="none")


def arm(
    name: ArmName,
    *,
    status: ExecutionStatus = "completed",
    ship: StepStatus = "completed",
    engine: str | None = None,
    ms: float = 9.0,
    checkpoint_ms: float | None = 2.0,
) -> ArmRecord:
    return ArmRecord(
        arm=name,
        engine=engine or ENGINES[role(name)],
        execution_id=UUID(int=1),
        position=0,
        journal=journal(status, ship, checkpoint_ms),
        ledger=(call(1), call(2)) if ship == "completed" else (call(1),),
        again=Again(calls=0, rows_changed=False),
        duration_ms=ms,
    )


def trial(number: int) -> Trial:
    """Each of another scenario that was drawn, but for number 600, which is the catalog's."""
    drawn = replace(SHIP, origin="generated", workflow=replace(SHIP.workflow, id=f"w{number}"))
    arms = {name: replace(arm(name), execution_id=UUID(int=4 * number + place)) for place, name in enumerate(ARMS)}
    return Trial(number=number, scenario=SHIP if number == 600 else drawn, arms=arms)


def case(number: int, way: Way = Way.CONCURRENT, *, fired: int = 1) -> CaseRecord:
    """The execution died in its first attempt, and two workers resumed it: one of them did the rest."""
    timer = TimerRow(step_id="ship", kind="retry", attempt=2, due_at=NOW, fired_at=NOW)
    before = replace(journal("running", "retrying", 2.0), timers=(replace(timer, fired_at=None),))
    after = replace(journal("completed", "completed", 2.0), timers=(timer,))
    return CaseRecord(
        case=CrashCase("ship", KillPoint("answer", number), way),
        planned=1,
        fired=fired,
        arm=replace(arm("candidate"), journal=after),
        node_kinds=("activity",),
        at_crash=before,
        acknowledged=(acknowledged(before, "the fault", 1),),
        commands=(
            CommandRecord(worker=1, command="execute", ended="killed", calls=(1,)),
            CommandRecord(worker=2, command="resume", ended="returned", calls=(2,)),
            CommandRecord(worker=3, command="resume", ended="raised", error_type="ExecutionHeld"),
        ),
    )


TO_CONTROL = Routed(execution_id=UUID(int=1), salt="s", switch="true", percent="0", served=("control", "control"))
TO_CANDIDATE = replace(TO_CONTROL, percent="100", served=("candidate", "candidate"))
ROUTED = (TO_CONTROL, TO_CANDIDATE) * 50
WEIGHED = (
    Weighed(role="control", executions=60, idle_kib=70_000, peak_kib=80_000, limit_kib=1_000_000),
    Weighed(role="candidate", executions=60, idle_kib=70_000, peak_kib=800_000, limit_kib=1_000_000),
)
PLAYED = tuple(
    PlayRecord(check=check, name="early", role="candidate", scenario=scenario_text(SCENARIO), arm=GOOD)
    for check in get_args(PlayCheck)
)
REREAD = (Reread(trial=1, scenario="ship", arm="candidate", execution_id=UUID(int=5), tables=()),)
CASES = tuple((SHIP, case(number)) for number in range(1, 599))


def manifest(trials: int, cases: int = len(CASES)) -> Manifest:
    return replace(
        MANIFEST,
        planned=trials,
        finished=trials,
        seconds=1.0,
        cases=cases,
        cases_planned=cases,
        crash_budget_s=20.0,
    )


@dataclass
class Fake:
    """A check that finds what it is told to, in the candidate's first arm of trial 1."""

    id: str
    verdict: Verdict = Verdict.PASS
    examined: int = 1
    holds_when: str = "always"

    def __call__(self, view: TrialView) -> Iterator[CheckResult]:
        trial = view.trial
        for name in trial.arms:
            finding = Finding(
                check=self.id,
                verdict=self.verdict,
                trial=trial.number,
                scenario=trial.scenario.id,
                arm=name,
                message="seen",
            )
            told = self.verdict is not Verdict.PASS and name == "candidate" and trial.number == 1
            yield CheckResult(check=self.id, arm=name, examined=self.examined, findings=(finding,) if told else ())


def checks(*others: Fake, without: str = "") -> dict[str, Check]:
    every: dict[str, Check] = {name: Fake(name) for name in DECISIVE if name != without}
    every.update({other.id: other for other in others})
    return every


def judged(
    trials: list[Trial],
    stage: int = 0,
    *,
    facts: Manifest | None = None,
    having: Mapping[str, Check] | None = None,
    production: Mapping[str, Measurement] | None = None,
    cases: Sequence[tuple[Scenario, CaseRecord]] = CASES,
    routing: Sequence[Routed] = ROUTED,
    weighed: tuple[Weighed, ...] = WEIGHED,
    plays: Sequence[PlayRecord] = PLAYED,
    rereads: Sequence[Reread] = REREAD,
    policy: Policy | None = None,
) -> Analysis:
    return analyse(
        facts or manifest(len(trials), len(cases)),
        iter(trials),
        policy or default_policy(),
        stage,
        cases=cases,
        checks=checks() if having is None else having,
        production=production,
        routing=routing,
        weighed=weighed,
        plays=plays,
        rereads=rereads,
    )


@pytest.fixture(scope="module")
def good() -> list[Trial]:
    return [trial(number) for number in range(1, 601)]


def changed(trials: list[Trial], count: int, change: Callable[[ArmRecord], ArmRecord]) -> list[Trial]:
    """The first so many trials with both candidate arms changed."""
    return [
        replace(
            each,
            arms={name: change(one) if role(name) == "candidate" else one for name, one in each.arms.items()},
        )
        if each.number <= count
        else each
        for each in trials
    ]


def criterion(analysis: Analysis, name: str) -> tuple[Verdict, int | None]:
    (result,) = [each for each in analysis.criteria if each.criterion.id == name]
    return result.verdict, result.n_needed


def blocked_by(analysis: Analysis) -> list[str]:
    return [reason.id for reason in analysis.blocking]


def test_600_good_trials_go(good: list[Trial]) -> None:
    analysis = judged(good)
    assert analysis.verdict is StageVerdict.GO, analysis.blocking
    assert analysis.headline == (
        "GO for stage 0 %: the candidate passed all of 600 trials, 598 crash cases and 16 criteria; "
        "this speaks of 599 different workflows that the generator drew, not of production's."
    )
    assert analysis.blocking == ()
    assert (analysis.trials, analysis.trials_failed) == (600, 0)
    assert {each.verdict for each in analysis.checks} == {Verdict.PASS}
    assert analysis.differences == ()


def test_a_go_by_other_thresholds_says_so_first(good: list[Trial]) -> None:
    ours = default_policy().text
    lenient = load_policy(ours.replace("limit = 0.995", "limit = 0.5"), "mine.toml")
    assert lenient.text != ours
    assert judged(good, policy=lenient).headline == (
        "GO for stage 0 %: the candidate passed all of 600 trials, 598 crash cases and 16 criteria; "
        "by a policy that is not the rollout plan's; "
        "this speaks of 599 different workflows that the generator drew, not of production's."
    )


def test_the_numbers_of_both_engines_stand_side_by_side(good: list[Trial]) -> None:
    numbers = {each.id: each for each in judged(good).side_by_side}
    assert (numbers["success"].control, numbers["success"].n_control) == (1.0, 599)
    assert numbers["latency_p95"].candidate == 9.0
    assert numbers["checkpoint_mean"].n_candidate == 1200
    assert (numbers["retry_success"].candidate, numbers["retry_success"].n_candidate) == (1.0, 599)
    assert numbers["calls"].candidate == 2400


def test_597_good_trials_are_too_few(good: list[Trial]) -> None:
    analysis = judged([*good[:597], good[-1]])
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert criterion(analysis, "e2e") == (Verdict.INCONCLUSIVE, 1)
    assert criterion(analysis, "success") == (Verdict.INCONCLUSIVE, 1)
    assert analysis.headline == (
        "INCONCLUSIVE for stage 0 %: undecided: e2e, critical-bugs, success and 1 more; "
        "about 1 more clean measurement would decide; "
        "this speaks of 597 different workflows that the generator drew, not of production's."
    )


def test_the_same_content_again_proves_nothing_more(good: list[Trial]) -> None:
    """600 trials of one scenario are one measurement, whatever each of them is called."""
    same = [replace(each, scenario=replace(good[0].scenario, id=f"gen-{each.number}")) for each in good]
    analysis = judged([*same[:-1], good[-1]])
    assert analysis.drawn == 1
    assert criterion(analysis, "success") == (Verdict.INCONCLUSIVE, 597)
    assert criterion(analysis, "e2e") == (Verdict.INCONCLUSIVE, 597)


def test_a_failing_trial_of_the_catalog_is_no_go_by_a_gate_of_its_own(good: list[Trial]) -> None:
    analysis = judged([*good[1:], replace(good[0], scenario=SHIP)], having=checks(Fake("DUP", Verdict.FAIL)))
    assert blocked_by(analysis) == ["DUP", "catalog"]
    assert analysis.verdict is StageVerdict.NO_GO


def test_without_the_catalog_a_run_never_goes(good: list[Trial]) -> None:
    analysis = judged(good[:-1])
    assert blocked_by(analysis) == ["catalog"]
    assert analysis.verdict is StageVerdict.INCONCLUSIVE


def test_without_crashes_a_run_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, cases=())
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert set(blocked_by(analysis)) == {
        *("META killed", "RESUME", "ACK", "CONC", "FENCE", "TIME", "STUCK", "resume-idempotent")
    }
    assert analysis.crash is None
    assert "no process was killed: resuming after a crash was not tested" in analysis.not_tested


def test_a_run_in_which_the_server_did_not_die_says_so(good: list[Trial]) -> None:
    sentence = "the server did not die: what its death takes along was not tested"
    assert sentence in judged(good).not_tested
    [one, *rest] = CASES
    died = (one[0], replace(one[1], case=replace(one[1].case, way=Way.RESTART)))
    assert sentence not in judged(good, cases=(died, *rest)).not_tested


def test_597_crash_cases_are_too_few(good: list[Trial]) -> None:
    analysis = judged(good, cases=CASES[1:])
    assert blocked_by(analysis) == ["resume-idempotent"]
    assert criterion(analysis, "resume-idempotent") == (Verdict.INCONCLUSIVE, 1)


def test_a_planned_fault_that_did_not_fire_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, cases=(*CASES, (SHIP, case(7, Way.ONCE, fired=0))))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis) == ["META fired"]
    assert "1 crash case: ship@answer:7/once, 0 of 1 fault" in analysis.blocking[0].text


def test_a_duplicate_after_a_crash_is_no_go_and_names_its_case(good: list[Trial]) -> None:
    again = replace(call(2), sequence=3, idempotency_key=None)
    broken = case(9, Way.ONCE)
    broken = replace(broken, arm=replace(broken.arm, ledger=(*broken.arm.ledger, again)))
    analysis = judged(good, cases=(*CASES[1:], (SHIP, broken)), having={**checks(), "DUP": CHECKS["DUP"]})
    assert analysis.verdict is StageVerdict.NO_GO
    assert blocked_by(analysis)[0] == "DUP"
    assert "ship@answer:9/once" in analysis.blocking[0].text
    assert criterion(analysis, "resume-idempotent")[0] is Verdict.FAIL


def test_crash_cases_that_the_manifest_does_not_count_never_go(good: list[Trial]) -> None:
    analysis = judged(good, facts=manifest(600, 599))
    assert blocked_by(analysis) == ["META cases"]
    assert analysis.verdict is StageVerdict.INCONCLUSIVE


def test_cells_that_no_case_touched_are_named(good: list[Trial]) -> None:
    gaps = judged(good, facts=replace(manifest(600), cases_planned=1000)).not_tested
    assert "no crash case touched an activity at request, call, reply" in gaps
    assert "no crash case touched a wait at request, answer, signal" in gaps
    assert any("402 of 1,000 crash cases were not played" in gap for gap in gaps)


def test_one_failing_trial_is_no_go_at_stage_0(good: list[Trial]) -> None:
    analysis = judged(good, having=checks(Fake("DUP", Verdict.FAIL)))
    assert analysis.verdict is StageVerdict.NO_GO
    assert blocked_by(analysis) == ["DUP", "e2e"]
    assert analysis.failed_scenarios == ((1, "ship"),)
    assert analysis.headline == (
        "NO-GO for stage 0 %: the candidate failed 1 of 600 trials; broken: DUP, e2e; "
        "DUP says: 1 finding; trial 1, ship, candidate: seen; "
        "this speaks of 599 different workflows that the generator drew, not of production's."
    )


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.INVALID, Verdict.INCONCLUSIVE])
def test_a_check_that_cannot_tell_never_goes(good: list[Trial], verdict: Verdict) -> None:
    analysis = judged(good, having=checks(Fake("SM", verdict)))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert set(blocked_by(analysis)) == {"SM", "e2e"}
    assert criterion(analysis, "e2e")[0] is Verdict.INVALID


def test_a_check_that_raises_never_goes(good: list[Trial]) -> None:
    class Raising(Fake):
        def __call__(self, view: TrialView) -> Iterator[CheckResult]:
            raise ZeroDivisionError(str(view.trial.number))

    analysis = judged(good, having=checks(Raising("ORD")))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    (summary,) = [each for each in analysis.checks if each.check == "ORD"]
    assert summary.verdict is Verdict.ERROR
    assert "ZeroDivisionError" in summary.reason


def test_a_check_removed_from_the_code_is_invalid(good: list[Trial]) -> None:
    analysis = judged(good, having=checks(without="CKPT"))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    (summary,) = [each for each in analysis.checks if each.check == "CKPT"]
    assert (summary.verdict, summary.reason) == (Verdict.INVALID, "the code has no check of this name")


def test_a_check_that_looks_at_nothing_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, having=checks(Fake("EVT", examined=0)))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert set(blocked_by(analysis)) == {"EVT", "events-registered"}


def test_a_check_that_the_stage_does_not_require_blocks_nothing(good: list[Trial]) -> None:
    assert judged(good, having=checks(Fake("NEW", Verdict.FAIL))).verdict is StageVerdict.GO


def test_a_router_that_was_not_tried_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, routing=())
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis) == ["FLAG"]
    assert "the router's split was not tested" in analysis.not_tested


def test_a_router_that_moves_an_execution_is_no_go(good: list[Trial]) -> None:
    moved = replace(ROUTED[1], served=("candidate", "control"))
    analysis = judged(good, routing=(moved, *ROUTED[2:], ROUTED[0]))
    assert analysis.verdict is StageVerdict.NO_GO
    assert blocked_by(analysis) == ["FLAG"]


def test_a_run_without_plays_or_later_reads_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, plays=())
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis) == ["SIGNAL", "INSTALL"]  # of the others something is known from trials
    analysis = judged(good, plays=[each for each in PLAYED if each.check != "READ"], rereads=())
    assert (analysis.verdict, blocked_by(analysis)) == (StageVerdict.INCONCLUSIVE, ["READ"])


def test_a_key_that_two_trials_share_is_no_go(good: list[Trial]) -> None:
    named = changed(
        good, 2, lambda arm: replace(arm, ledger=tuple(replace(each, execution_id=UUID(int=1)) for each in arm.ledger))
    )
    analysis = judged(named)
    assert (analysis.verdict, blocked_by(analysis)) == (StageVerdict.NO_GO, ["IDENT"])


def test_a_run_that_does_not_tell_its_memory_never_goes(good: list[Trial]) -> None:
    for weighed in ((), WEIGHED[:1], (WEIGHED[0], replace(WEIGHED[1], limit_kib=0))):
        analysis = judged(good, weighed=weighed)
        assert analysis.verdict is StageVerdict.INCONCLUSIVE
        assert blocked_by(analysis) == ["worker-memory"]


def test_memory_is_high_above_eighty_percent_of_its_limit(good: list[Trial]) -> None:
    assert judged(good).verdict is StageVerdict.GO, "800,000 of 1,000,000 is not above 80 %"
    high = (WEIGHED[0], replace(WEIGHED[1], peak_kib=800_001))
    analysis = judged(good, weighed=high)
    assert analysis.verdict is StageVerdict.NO_GO
    assert blocked_by(analysis) == ["worker-memory"]


def test_the_memory_of_both_engines_is_shown(good: list[Trial]) -> None:
    (side,) = [side for side in judged(good).side_by_side if side.id == "memory"]
    assert (side.control, side.candidate, side.unit) == (78.125, 781.25, "MiB")


@pytest.mark.parametrize("stage", [0, 10, 50, 100])
def test_an_empty_run_never_goes(stage: int) -> None:
    analysis = judged([], stage, cases=(), routing=(), weighed=())
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert "META trials" in blocked_by(analysis)
    assert all(each.verdict is Verdict.INCONCLUSIVE for each in analysis.criteria)
    assert all(each.n == 0 for each in analysis.criteria)


@pytest.mark.parametrize("absent", ARMS)
def test_a_run_with_one_arm_missing_never_goes(good: list[Trial], absent: ArmName) -> None:
    trials = [replace(each, arms={name: one for name, one in each.arms.items() if name != absent}) for each in good]
    analysis = judged(trials)
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert "META arms" in blocked_by(analysis)


def test_swapped_arms_never_go(good: list[Trial]) -> None:
    analysis = judged(changed(good, 1, lambda one: replace(one, engine="v1")))
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis) == ["META engines"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"partial": True}, "META finished"),
        ({"planned": 601}, "META finished"),
        ({"finished": 599}, "META count"),
        ({"finished": 601, "planned": 601}, "META count"),
    ],
)
def test_a_run_that_is_not_whole_never_goes(good: list[Trial], change: dict[str, int], reason: str) -> None:
    analysis = judged(good, facts=replace(manifest(600), **change))  # type: ignore[arg-type]
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert reason in blocked_by(analysis)


def test_a_trial_that_comes_twice_never_goes(good: list[Trial]) -> None:
    analysis = judged([*good[:-2], good[0], good[-1]])
    assert blocked_by(analysis) == ["META numbers"]
    assert analysis.verdict is StageVerdict.INCONCLUSIVE


def test_one_execution_under_two_numbers_never_goes(good: list[Trial]) -> None:
    analysis = judged([*good[:-1], replace(good[0], number=600)])
    assert blocked_by(analysis) == ["META numbers"]
    assert "execution 00000000-0000-0000-0000-000000000006 comes twice" in analysis.blocking[0].text


def test_a_crash_case_that_comes_twice_never_goes(good: list[Trial]) -> None:
    analysis = judged(good, cases=(*CASES[:-1], CASES[0]))
    assert blocked_by(analysis) == ["META replays"]
    assert "ship@answer:1/concurrent comes twice" in analysis.blocking[0].text


def test_samples_that_are_all_nan_never_go(good: list[Trial]) -> None:
    nan = arm("candidate", checkpoint_ms=math.nan).journal
    analysis = judged(changed(good, 600, lambda one: replace(one, journal=nan, duration_ms=math.nan)), 50)
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    for name in ("checkpoint-p95", "checkpoint-mean-alert", "degraded-latency", "latency-p99", "latency-tail"):
        assert criterion(analysis, name)[0] is Verdict.INVALID, name


def test_a_single_nan_is_not_dropped(good: list[Trial]) -> None:
    nan = arm("candidate", checkpoint_ms=math.nan).journal
    analysis = judged(changed(good, 1, lambda one: replace(one, journal=nan)))
    assert blocked_by(analysis) == ["checkpoint-p95"]
    assert "2 of 1200 samples are not durations" in analysis.blocking[0].text


def test_a_scenario_that_breaks_the_judge_is_an_error(good: list[Trial], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: TrialView, __: object = None) -> tuple[()]:
        raise KeyError("no such node")

    monkeypatch.setattr("cutover.harness.judge.gathered.classify", broken)
    analysis = judged(good)
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis)[0] == "META judged"


def test_a_later_stage_waits_for_what_only_production_can_tell(good: list[Trial]) -> None:
    analysis = judged(good, 50)
    assert analysis.verdict is StageVerdict.INCONCLUSIVE
    assert blocked_by(analysis) == ["stable-3-days", "memory"]
    assert not any(each.measured for each in analysis.criteria if each.criterion.source == "production")
    assert any("Memória alta" in sentence for sentence in analysis.not_tested)


def test_a_later_stage_goes_with_what_production_told(good: list[Trial]) -> None:
    told = {"stable_days": Gauge(value=3), "memory_utilisation": Gauge(value=0.5)}
    assert judged(good, 50, production=told).verdict is StageVerdict.GO
    short = {"stable_days": Gauge(value=2.9), "memory_utilisation": Gauge(value=0.5)}
    assert judged(good, 50, production=short).verdict is StageVerdict.NO_GO
    full = {"stable_days": Gauge(value=3), "memory_utilisation": Gauge(value=0.81)}
    assert judged(good, 50, production=full).verdict is StageVerdict.ROLLBACK
    unread = {"stable_days": Gauge(value=3), "memory_utilisation": Gauge(value=math.nan)}
    assert judged(good, 50, production=unread).verdict is StageVerdict.INCONCLUSIVE


def test_failures_of_the_candidate_alone_roll_back_from_stage_10_on(good: list[Trial]) -> None:
    def fail(one: ArmRecord) -> ArmRecord:
        return arm(one.arm, status="failed", ship="failed")

    analysis = judged(changed(good, 9, fail), 10)  # E(9, 0) = 102.3
    assert analysis.verdict is StageVerdict.ROLLBACK
    assert {"error-rate-v1", "degraded-errors"} <= set(blocked_by(analysis)[:2])
    assert analysis.headline.startswith("ROLLBACK for stage 10 %: take the traffic back")
    seven = judged(changed(good, 7, fail), 10)  # E(7, 0) = 31.9: an alert, no rollback
    assert seven.verdict is StageVerdict.NO_GO
    assert criterion(seven, "error-rate-v1-alert")[0] is Verdict.FAIL
    assert criterion(seven, "error-rate-v1")[0] is Verdict.PASS
    assert judged(changed(good, 9, fail), 0).verdict is StageVerdict.NO_GO


def test_differences_are_counted_and_sampled(good: list[Trial]) -> None:
    def other(one: ArmRecord) -> ArmRecord:
        assert one.journal is not None
        execution = replace(one.journal.execution, output="8")
        return replace(one, journal=replace(one.journal, execution=execution))

    analysis = judged(changed(good, 7, other))
    (difference,) = analysis.differences
    assert (difference.klass, difference.count, difference.trials) == (DifferenceClass.REGRESSION, 7, 7)
    assert [sample.trial for sample in difference.samples] == [1, 2, 3, 4, 5]
    assert analysis.verdict is StageVerdict.NO_GO
    assert criterion(analysis, "critical-bugs")[0] is Verdict.FAIL


def test_an_execution_that_would_never_go_on_is_stuck(good: list[Trial]) -> None:
    analysis = judged(changed(good, 3, lambda one: arm(one.arm, status="running", ship="running")), 10)
    assert criterion(analysis, "stuck")[0] is Verdict.FAIL
    assert criterion(analysis, "stuck-rollback")[0] is Verdict.FAIL  # six arms are more than five
    two = judged(changed(good, 2, lambda one: arm(one.arm, status="running", ship="running")), 10)
    assert criterion(two, "stuck-rollback")[0] is Verdict.PASS
    assert criterion(two, "stuck-alert")[0] is Verdict.FAIL


def test_slow_candidates_are_caught(good: list[Trial]) -> None:
    slow = judged(changed(good, 600, lambda one: replace(one, duration_ms=11.7)), 10)
    assert slow.verdict is StageVerdict.ROLLBACK
    assert criterion(slow, "degraded-latency")[0] is Verdict.FAIL
    tail = judged(changed(good, 24, lambda one: replace(one, duration_ms=90.0)), 50)
    assert criterion(tail, "latency-p99")[0] is Verdict.FAIL
    assert criterion(tail, "latency-tail")[0] is Verdict.FAIL
    journal_150 = arm("candidate", checkpoint_ms=151.0).journal
    late = judged(changed(good, 600, lambda one: replace(one, journal=journal_150)), 10)
    assert criterion(late, "checkpoint-mean-alert")[0] is Verdict.FAIL
    assert criterion(late, "checkpoint-p95-rollback")[0] is Verdict.PASS
    assert criterion(late, "checkpoint-p95")[0] is Verdict.FAIL


def test_what_was_not_tested_is_said(good: list[Trial]) -> None:
    sentences = judged(good).not_tested
    assert "no scenario has a condition, a join, a wait, a loop" in sentences[0]
    assert "a failing attempt" not in sentences[0]
    assert not any("no process was killed" in sentence for sentence in sentences)
    assert not any("router's split" in sentence for sentence in sentences)


def test_an_unknown_stage_is_refused(good: list[Trial]) -> None:
    with pytest.raises(PolicyError, match="no stage 25"):
        judged(good, 25)
