"""What the tally keeps of literal arms, and what the metrics make of literal frames."""

from __future__ import annotations

import math
from dataclasses import replace
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from rows import CALL, EXECUTION, SHIP, STEP

from cutover.engines.api import ExecutionStatus, Journal, StepStatus
from cutover.harness.judge.measures.frames import Frames
from cutover.harness.judge.measures.measurements import (
    Count,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
)
from cutover.harness.judge.measures.metrics import METRICS
from cutover.harness.judge.measures.sampling import class_of, content_of, is_drawn
from cutover.harness.judge.measures.tally import Tally, as_expected, duplicates_of, is_stuck, redeliveries_of, retried
from cutover.harness.judge.measures.trials import TRIAL_METRICS, TrialMeasurements
from cutover.harness.judge.outcomes.outcome import Outcome
from cutover.harness.judge.reference.model import Expected, ExpectedStep, PendingWaits
from cutover.harness.record.memory import Weighed
from cutover.harness.record.trials import ARMS, ArmRecord, Failure, LedgerEntry
from cutover.scenarios.model import Response
from cutover.scenarios.tokens import token_of

COMPLETED = Expected(outcome=Outcome(status="completed"))
WAITING = Expected(outcome=Outcome(status="running"))


def entry(
    step: str, attempt: int, key: str | None = "k", *, effect: str = "applied", after: bool = False
) -> LedgerEntry:
    return replace(
        CALL,
        step_id=step,
        activity="a",
        attempt=attempt,
        idempotency_key=key,
        output="1",
        effect=effect,  # type: ignore[arg-type]
        after_completion=after,
    )


def arm(
    status: ExecutionStatus | None,
    *ledger: LedgerEntry,
    steps: tuple[StepStatus, ...] = (),
    failure: Failure | None = None,
) -> ArmRecord:
    journal = None
    if status is not None:
        execution = replace(EXECUTION, status=status, current_node_id=None, output=None, finished_at=None)
        rows = tuple(
            replace(STEP, step_id=f"s{i}", node_id=f"s{i}", status=step, output=None, ports=())
            for i, step in enumerate(steps)
        )
        journal = Journal(execution=execution, steps=rows)
    return ArmRecord(
        arm="candidate",
        engine="v2",
        execution_id=UUID(int=1),
        position=0,
        journal=journal,
        ledger=ledger,
        failure=failure,
    )


REFUSED = Failure(kind="exception", type="cutover.engines.errors.PayloadRefused", message="NaN")
HUNG = Failure(kind="timeout", type="", message="")


@pytest.mark.parametrize(
    ("record", "expected", "good"),
    [
        (arm("completed"), COMPLETED, True),
        (arm("failed"), COMPLETED, False),
        (arm("failed"), Expected(outcome=Outcome(status="failed")), True),
        (arm(None), COMPLETED, False),
        (arm("completed", failure=HUNG), COMPLETED, False),
        (arm(None, failure=REFUSED), Expected(outcome=Outcome(status="refused")), True),
        (arm(None, failure=REFUSED), COMPLETED, False),
        (arm("failed"), Expected(outcome=Outcome(status="completed"), alternatives=(COMPLETED,)), False),
        (
            arm("failed"),
            Expected(outcome=Outcome(status="completed"), alternatives=(Expected(outcome=Outcome(status="failed")),)),
            True,
        ),
    ],
)
def test_an_execution_succeeds_when_it_ends_as_expected(record: ArmRecord, expected: Expected, *, good: bool) -> None:
    assert as_expected(record, expected) is good


@pytest.mark.parametrize(
    ("record", "expected", "stuck"),
    [
        (arm("completed"), COMPLETED, False),
        (arm("running", steps=("running",)), COMPLETED, True),
        (arm("pending"), COMPLETED, True),
        (arm("running", steps=("paused",)), WAITING, False),
        (arm("running", steps=("paused",)), COMPLETED, True),  # what it waits for has come
        (arm("running", steps=("running",)), WAITING, True),
        (arm(None), COMPLETED, True),
        (arm(None, failure=REFUSED), COMPLETED, False),
    ],
)
def test_stuck_is_without_progress_not_waiting(record: ArmRecord, expected: Expected, *, stuck: bool) -> None:
    assert is_stuck(record, expected) is stuck


@pytest.mark.parametrize(
    ("ledger", "duplicates", "redeliveries"),
    [
        ((entry("a", 1), entry("b", 1)), 0, 0),
        ((entry("a", 1), entry("a", 1, effect="deduplicated")), 0, 1),
        ((entry("a", 1), entry("a", 2, effect="applied")), 1, 0),
        ((entry("a", 1, None), entry("a", 1, None)), 1, 0),
        ((entry("a", 1), entry("a", 1, effect="deduplicated", after=True)), 1, 0),
        ((entry("a", 1, None), entry("a", 1, None, after=True)), 1, 0),
        ((entry("a", 1, effect="none"), entry("a", 2)), 0, 0),
        ((), 0, 0),
    ],
)
def test_duplicates_and_redeliveries_by_the_ledger(
    ledger: tuple[LedgerEntry, ...], duplicates: int, redeliveries: int
) -> None:
    record = arm("completed", *ledger)
    assert (duplicates_of(record), redeliveries_of(record)) == (duplicates, redeliveries)


def expected_step(step_id: str, status: StepStatus, attempts: int) -> ExpectedStep:
    return ExpectedStep(
        step_id=step_id,
        node_id=step_id,
        kind="activity",
        status=status,
        input=None,
        output=None,
        ports=(),
        attempts=attempts,
        delays_ms=(),
        waits=PendingWaits(),
    )


def test_a_retry_counts_where_the_world_lets_it_succeed() -> None:
    steps = {
        "first_time": expected_step("first_time", "completed", 1),
        "second_time": expected_step("second_time", "completed", 2),
        "never": expected_step("never", "failed", 4),
        "perhaps": expected_step("perhaps", "completed", 3),
    }
    expected = Expected(outcome=Outcome(status="failed"), steps=steps, optional=frozenset({"perhaps"}))
    assert retried(expected) == {"second_time"}


def frames(**arms: list[object]) -> Frames:
    """One row an arm, with every column that is not named set to nothing worth telling."""
    count = len(arms["arm"])
    columns: dict[str, list[object]] = {
        "trial": list(range(1, count + 1)),
        "duration_ms": [1.0] * count,
        **{name: [False] * count for name in ("stuck", "retry_due", "retry_won")},
        **{name: [True] * count for name in ("as_expected", "resumed")},
        **{
            name: [0] * count
            for name in ("duplicates", "redeliveries", "evt_examined", "evt_failed", "log_examined", "log_failed")
        },
        **arms,
    }
    columns["role"] = [str(name).removesuffix("_again") for name in columns["arm"]]
    checkpoints = pd.DataFrame(
        {
            "trial": [1, 1, 1],
            "arm": ["candidate", "candidate", "control"],
            "role": ["candidate", "candidate", "control"],
            "duration_ms": [3.0, math.nan, 9.0],
        }
    )
    return Frames(
        trials=pd.DataFrame(
            {
                "trial": [1, 2, 3, 4],
                "failed": [False, True, False, False],
                "unknown": [False, False, True, False],
                "regressions": [0, 3, 0, 0],
                "drawn": [True] * 4,
                "content": ["a", "b", "c", "d"],
                "klass": ["few", "few", "few", "many"],
            }
        ),
        arms=pd.DataFrame(columns),
        checkpoints=checkpoints,
    )


def measured(name: str, of: Frames) -> Measurement:
    found = TrialMeasurements(of).measure(name)
    assert found is not None
    return found


def test_shares_count_one_execution_a_trial() -> None:
    of = frames(
        arm=["candidate", "candidate", "candidate_again", "control"],
        as_expected=[True, False, False, False],
        retry_due=[True, True, True, True],
        retry_won=[True, False, True, False],
    )
    assert measured("execution_success", of) == Share(successes=1, n=2)
    assert measured("error_rate", of) == Share(successes=1, n=2)
    assert measured("retry_success", of) == Share(successes=1, n=2)


def test_what_must_never_happen_is_counted_in_all_arms_of_the_candidate() -> None:
    of = frames(
        arm=["candidate", "candidate_again", "control"],
        stuck=[True, True, True],
        duplicates=[0, 2, 5],
        resumed=[True, False, True],
        evt_examined=[10, 10, 10],
        evt_failed=[0, 1, 10],
        log_examined=[4, 0, 9],
        log_failed=[9, 0, 0],
    )
    assert measured("stuck_executions", of) == Count(count=2, n=1)
    assert measured("duplicated_steps", of) == Count(count=2, n=0)
    assert measured("duplicated_steps", replace(of, cases=9, case_duplicates=3)) == Count(count=5, n=9)
    assert measured("events_registered", of) == Share(successes=19, n=20)
    assert measured("operations_logged", of) == Share(successes=0, n=4)


def test_pairs_are_matched_by_trial() -> None:
    of = frames(
        arm=["control", "control", "control", "candidate", "candidate", "candidate"],
        trial=[1, 2, 3, 3, 2, 4],
        as_expected=[True, False, True, False, True, False],
        duration_ms=[1.0, 2.0, 3.0, 33.0, 22.0, 44.0],
    )
    assert measured("errors_against_control", of) == Paired(worse=1, better=1, bad_control=1, bad_candidate=1, n=2)
    assert measured("candidate_only_errors", of) == Share(successes=1, n=2)
    pairs = measured("latency", of)
    assert isinstance(pairs, Pairs)
    assert pairs.control.tolist() == [2.0, 3.0]
    assert pairs.candidate.tolist() == [22.0, 33.0]


def durations(*trials: tuple[float, float, float, float]) -> Frames:
    """Trials with what the control, the control again, the candidate and the candidate again took."""
    return frames(
        arm=[*ARMS * len(trials)],
        trial=[number for number in range(1, len(trials) + 1) for _ in ARMS],
        duration_ms=[ms for each in trials for ms in each],
    )


def test_doubled_latency_weighs_one_engine_against_the_other() -> None:
    of = durations((1, 1, 2, 2), (1, 1, 2.1, 1), (2.1, 1, 1, 1), (1, 1, 30, 30), (math.nan, 1, 1, 1))
    assert measured("doubled_latency", of) == Paired(worse=2, better=1, bad_control=1, bad_candidate=2, n=4, unknown=1)


def test_doubled_latency_takes_the_slower_arm_of_each_engine() -> None:
    of = durations((1, 9, 2.5, 2.5), (1, 1.2, 1, 2.5))
    assert measured("doubled_latency", of) == Paired(worse=1, better=1, bad_control=1, bad_candidate=1, n=2)


def test_an_engine_is_compared_with_itself_by_the_slower_engine_s_faster_arm() -> None:
    """The candidate is twice as fast; 4 and 9 times what the control needs are 8 and 18 times its own."""
    of = durations((10, 10, 5, 46), (10, 10, 96, 5), (51, 10, 5, 5), (10, 10, 5, 44), (10, 10, 0, 5))
    assert measured("delayed_latency", of) == Paired(worse=2, better=1, bad_control=1, bad_candidate=2, n=4, unknown=1)
    assert measured("stalled_latency", of) == Paired(
        worse=1, better=0, bad_control=0, bad_candidate=1, n=4, unknown=1, rare=True
    )


def test_both_engines_held_up_in_one_trial_blame_neither() -> None:
    found = measured("delayed_latency", durations((10, 90, 10, 90)))
    assert found == Paired(worse=0, better=0, bad_control=1, bad_candidate=1, n=1)


def test_the_tail_is_beyond_twice_the_control_s_p99_in_scenarios_of_the_same_class() -> None:
    """In the first class the limit is 20, twice the slowest second arm of the control; in the second it is 200."""
    of = durations((21, 10, 5, 5), (5, 9, 21, 5), (5, 8, 19, 99), (100, 100, 199, 1))
    assert measured("tail_latency", of) == Paired(worse=1, better=1, bad_control=1, bad_candidate=1, n=4)
    of = durations((5, 10, 5, 5), (5, 9, 21, 5), (5, 8, 21, 99), (100, 100, 201, 1))
    assert measured("tail_latency", of) == Paired(worse=3, better=0, bad_control=0, bad_candidate=3, n=4)


def test_a_trial_without_all_its_arms_has_no_tail_to_tell_of() -> None:
    of = frames(arm=["control", "candidate", "candidate_again"], trial=[1, 1, 1])
    for name in ("doubled_latency", "delayed_latency", "stalled_latency", "tail_latency"):
        found = measured(name, of)
        assert isinstance(found, Paired)
        assert found.n == 0, name


def test_shares_are_of_what_was_drawn_each_content_once() -> None:
    of = frames(arm=["candidate"] * 4, as_expected=[True, False, False, True])
    of.trials["drawn"] = [True, True, False, True]
    of.trials["content"] = ["a", "b", "c", "a"]
    of.trials["unknown"] = False
    assert measured("execution_success", of) == Share(successes=1, n=2)
    assert measured("e2e_success", of) == Share(successes=1, n=2)
    assert measured("catalog_success", of) == Share(successes=2, n=2)
    assert measured("critical_bugs", of) == Count(count=3, n=2)
    of.trials["failed"] = [False, False, True, False]
    assert measured("e2e_success", of) == Share(successes=2, n=2)
    assert measured("catalog_success", of) == Share(successes=1, n=2)


def test_scenarios_of_another_name_and_token_are_one_content() -> None:
    one, other = (
        replace(SHIP, id=name, title=name, tags=(name,), origin="generated", input={"token": token_of(name)})
        for name in ("gen-1", "gen-2")
    )
    assert content_of(one) == content_of(other)
    assert content_of(one) != content_of(replace(other, input={"token": token_of("gen-1")}))
    assert content_of(one) != content_of(replace(one, world={"ship": (Response(output=8),)}))
    assert len({content_of(replace(SHIP, input=text)) for text in ("\ud800", "\ud801", 10**30)}) == 3
    assert (is_drawn(one), is_drawn(SHIP)) == (True, False)


@pytest.mark.parametrize(
    ("steps", "klass"),
    [(0, "1 step"), (1, "1 step"), (2, "2 to 3 steps"), (31, "16 to 31 steps"), (99, "32 steps and more")],
)
def test_a_class_is_of_scenarios_with_as_many_steps(steps: int, klass: str) -> None:
    step = ExpectedStep("s", "s", "activity", "completed", None, None, (), 1, (), PendingWaits())
    assert class_of(replace(COMPLETED, steps={f"s{i}": step for i in range(steps)})) == klass


def test_trials_that_nobody_could_judge_are_neither_good_nor_bad() -> None:
    of = frames(arm=["candidate"])
    assert measured("e2e_success", of) == Share(successes=2, n=3, unknown=1)
    assert measured("critical_bugs", of) == Count(count=3, n=4)


def test_checkpoint_durations_keep_what_is_no_number() -> None:
    samples = measured("checkpoint_duration", frames(arm=["candidate"]))
    assert isinstance(samples, Samples)
    np.testing.assert_array_equal(samples.values, [3.0, math.nan])


def test_checkpoints_that_tell_of_next_to_nothing_are_no_milliseconds() -> None:
    """They tell of 3.0; the limit is half a percent of the time in the engine, so 600 ms."""
    measured("checkpoint_duration", frames(arm=["candidate"], duration_ms=[599.0]))
    with pytest.raises(ValueError, match=r"tell of 3 ms in all, and 601 ms were spent in the engine"):
        measured("checkpoint_duration", frames(arm=["candidate"], duration_ms=[601.0]))


def test_every_metric_of_nothing_has_no_n() -> None:
    nothing = Tally(()).frames()
    for name in TRIAL_METRICS:
        match TrialMeasurements(nothing).measure(name):
            case Samples(values=values):
                assert len(values) == 0, name
            case Pairs(control=values):
                assert len(values) == 0, name
            case Share(n=n) | Count(n=n) | Paired(n=n):
                assert n == 0, name
            case None:
                assert name == "worker_memory"
            case other:
                pytest.fail(f"{name} returns {other}")


def test_what_trials_measure_is_in_the_catalogue_and_has_its_shape() -> None:
    of = frames(
        arm=["candidate", "candidate", "candidate_again", "control"],
        as_expected=[True, False, False, True],
    )
    told = replace(of, weighed=(Weighed(role="candidate", executions=1, idle_kib=1, peak_kib=2, limit_kib=4),))
    shapes = {name: type(TrialMeasurements(told).measure(name)) for name in TRIAL_METRICS}
    assert shapes == {name: METRICS[name].shape for name in TRIAL_METRICS}
    assert METRICS.keys() - shapes == {"days_without_incident", "memory_utilisation", "stable_days"}
