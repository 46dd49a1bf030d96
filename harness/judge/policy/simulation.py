"""Synthetic traffic played through a policy: how often each criterion fails falsely, how soon it sees a fault. Pure.

Pairs of executions are drawn from a law that resembles what the project's own runs show (below), a fault is laid over
the candidate, and the criteria of a stage are judged after every so many pairs, as somebody who watches would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.frames import Frames
from cutover.harness.judge.measures.measurements import Measurement
from cutover.harness.judge.measures.stats import Floats
from cutover.harness.judge.measures.trials import TrialMeasurements
from cutover.harness.judge.policy.criteria import judge
from cutover.harness.judge.policy.model import Criterion, Policy
from cutover.harness.record.trials import ARMS, ArmName, role

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FAULTS", "TAILS", "Alarm", "SyntheticFault", "simulate", "traffic"]

_SCENARIOS = 0.74
"""Standard deviation of the logarithm of durations between scenarios, as recorded."""
_ARMS = 0.25
"""The same between two executions of one scenario."""
_MEDIAN_MS = 100.0
_STALLS, _STALLED = 0.02, 3.0
"""Share of executions that the machine holds up, and how many times as long they take: both engines alike."""
_CHECKPOINT_MS, _CHECKPOINT_SPREAD, _CHECKPOINTS = 2.0, 0.6, 5
_RETRIES = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticFault:
    """What is wrong with the candidate: more failures, slower by a factor, a slow tail, wrong outputs.

    `failures`, `tail`, `outputs` and `klass` are shares of executions; `slower`, `tail_factor`, `klass_factor` and
    `checkpoints` are factors. An execution of the tail takes `tail_factor` times as long, and `tail_ms` more; one of
    the class is slow in both arms.
    """

    name: str
    failures: float = 0.0
    slower: float = 1.0
    tail: float = 0.0
    tail_factor: float = 1.0
    tail_ms: float = 0.0
    klass: float = 0.0
    klass_factor: float = 1.0
    outputs: float = 0.0
    checkpoints: float = 1.0


FAULTS: Sequence[SyntheticFault] = (
    SyntheticFault(name="none"),
    SyntheticFault(name="1 % more failures", failures=0.01),
    SyntheticFault(name="30 % slower", slower=1.3),
    SyntheticFault(name="4 % ten times slower", tail=0.04, tail_factor=10.0),
    SyntheticFault(name="1 of 200 outputs changed", outputs=0.005),
    SyntheticFault(name="checkpoints 50 times slower", checkpoints=50.0),
)
"""The first is not a fault: what fires there fires falsely."""

TAILS: Sequence[SyntheticFault] = (
    SyntheticFault(name="1 % fifty times slower", tail=0.01, tail_factor=50.0),
    SyntheticFault(name="2 % one second longer", tail=0.02, tail_ms=1_000.0),
    SyntheticFault(name="0.5 % 25 seconds longer", tail=0.005, tail_ms=25_000.0),
    SyntheticFault(name="a class of 5 %, thirty times slower", klass=0.05, klass_factor=30.0),
)
"""Slow tails of other kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """How a criterion took a fault: in which share of runs it ever failed, and after how many pairs.

    `half` is the number of pairs after which it had failed in half of all runs, None where it never had.
    """

    criterion: Criterion
    fault: SyntheticFault
    runs: int
    fired: float
    half: int | None


def simulate(
    policy: Policy, stage: int, *, pairs: int, runs: int, looks: int, seed: int, errors: float
) -> tuple[Alarm, ...]:
    """Plays `runs` runs of so many pairs for each fault, looking `looks` times at each.

    Returns one alarm for each criterion and fault. `errors` is the share of executions that fail on both engines alike.
    Criteria that such traffic says nothing of are left out: those of production, and of memory. The same seed makes
    the same traffic. Raises PolicyError where there is no such stage.
    """
    policy.stage(stage)
    some = traffic(np.random.default_rng(seed), 1, FAULTS[0], errors=errors)
    criteria = [each for each in policy.criteria_of(stage) if each.source == "harness" and _measured(each, some)]
    at = [max(1, round(pairs * look / looks)) for look in range(1, looks + 1)]
    found = []
    for fault in FAULTS:
        first: dict[str, list[int]] = {criterion.id: [] for criterion in criteria}
        for run in range(runs):
            frames = traffic(np.random.default_rng([seed, run]), pairs, fault, errors=errors)
            for criterion in criteria:
                seen = next((n for n in at if _fails(criterion, _until(frames, n))), None)
                if seen is not None:
                    first[criterion.id].append(seen)
        found += [_alarm(criterion, fault, first[criterion.id], runs) for criterion in criteria]
    return tuple(found)


def _alarm(criterion: Criterion, fault: SyntheticFault, seen: Sequence[int], runs: int) -> Alarm:
    middle = -(-runs // 2)
    half = sorted(seen)[middle - 1] if len(seen) >= middle else None
    return Alarm(criterion=criterion, fault=fault, runs=runs, fired=len(seen) / runs, half=half)


def _fails(criterion: Criterion, frames: Frames) -> bool:
    measured = _measured(criterion, frames)
    return measured is not None and judge(criterion, measured).verdict is Verdict.FAIL


def _measured(criterion: Criterion, frames: Frames) -> Measurement | None:
    source = TrialMeasurements(frames)
    return source.measure(criterion.metric) if criterion.metric in source.metrics else None


def traffic(
    rng: np.random.Generator, pairs: int, fault: SyntheticFault, *, errors: float, speed: float = 1.0
) -> Frames:
    """Returns the frames of a run of so many pairs; `speed` is the sound candidate's time over the control's."""
    import pandas as pd  # noqa: PLC0415 - half a second that only this command should pay

    scenario = rng.normal(0, _SCENARIOS, pairs)
    durations = {arm: _durations(rng, scenario) for arm in ARMS}
    for arm in ARMS:
        if role(arm) == "candidate":
            durations[arm] *= fault.slower * speed
            slow = rng.random(pairs) < fault.tail
            durations[arm][slow] = durations[arm][slow] * fault.tail_factor + fault.tail_ms
    good = {arm: rng.random(pairs) >= errors for arm in ARMS}
    good["candidate"] &= rng.random(pairs) >= fault.failures
    good["candidate_again"] &= rng.random(pairs) >= fault.failures
    changed = rng.random(pairs) < fault.outputs
    due = rng.random(pairs) < _RETRIES
    regressions = (~good["candidate"] & good["control"]) | changed
    of_class = rng.random(pairs) < fault.klass
    for arm in ARMS:
        if role(arm) == "candidate":
            durations[arm][of_class] *= fault.klass_factor
    trial = np.arange(1, pairs + 1)
    trials = pd.DataFrame(
        {
            "trial": trial,
            "scenario": "synthetic",
            "failed": regressions | ~good["candidate"],
            "unknown": False,
            "regressions": regressions.astype(int),
            "drawn": True,
            "content": trial,
            "klass": np.where(of_class, "another class", "a class"),
        }
    )
    arms = pd.concat([_arms(trial, arm, durations[arm], good[arm], due) for arm in ARMS])
    return Frames(trials=trials, arms=arms, checkpoints=_checkpoints(rng, trial, fault), cases=pairs, case_duplicates=0)


def _durations(rng: np.random.Generator, scenario: Floats) -> Floats:
    took = _MEDIAN_MS * np.exp(scenario + rng.normal(0, _ARMS, len(scenario)))
    took[rng.random(len(scenario)) < _STALLS] *= _STALLED
    return np.asarray(took, dtype=np.float64)


def _arms(trial: object, arm: ArmName, took: Floats, good: object, due: object) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - as above

    constant: Mapping[str, object] = {
        "arm": arm,
        "role": role(arm),
        "stuck": False,
        "resumed": True,
        "duplicates": 0,
        "redeliveries": 0,
        "steps": 10,
        "calls": 8,
        "evt_examined": 30,
        "evt_failed": 0,
        "log_examined": 30,
        "log_failed": 0,
    }
    own = {"trial": trial, "duration_ms": took, "as_expected": good, "retry_due": due, "retry_won": due}
    return pd.DataFrame({**own, **constant})


def _checkpoints(rng: np.random.Generator, trial: NDArray[np.int64], fault: SyntheticFault) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - as above

    count = len(trial) * _CHECKPOINTS
    took = fault.checkpoints * _CHECKPOINT_MS * np.exp(rng.normal(0, _CHECKPOINT_SPREAD, count))
    return pd.DataFrame(
        {"trial": np.repeat(trial, _CHECKPOINTS), "arm": "candidate", "role": "candidate", "duration_ms": took}
    )


def _until(frames: Frames, n: int) -> Frames:
    """Returns the frames of the first n pairs."""
    return Frames(
        trials=frames.trials[frames.trials["trial"] <= n],
        arms=frames.arms[frames.arms["trial"] <= n],
        checkpoints=frames.checkpoints[frames.checkpoints["trial"] <= n],
        cases=min(frames.cases, n),
        case_duplicates=0,
    )
