"""A run as frames, and the numbers that either engine has in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cutover.engines.roles import Role
from cutover.harness.judge.measures.measurements import Count, Share
from cutover.harness.judge.measures.stats import Floats
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.record.trials import ArmName

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Frames",
    "arms_of",
    "by_trial",
    "checkpoint_durations",
    "duplicates",
    "execution_success",
    "first_arms",
    "floats",
    "latencies",
    "peak_memory",
    "retry_success",
    "sample",
    "sampled",
    "stuck",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A run as pandas frames, one row a trial, arm, checkpoint; `cutover.harness.judge.measures.tally` makes them.

    `cases` counts the crash cases of the candidate whose fault fired, `case_duplicates` what was done twice in all;
    `weighed` is the memory of either engine's process, where it was measured, `machine` are readings of the machine.
    """

    trials: pd.DataFrame
    arms: pd.DataFrame
    checkpoints: pd.DataFrame
    cases: int = 0
    case_duplicates: int = 0
    weighed: tuple[Weighed, ...] = ()
    machine: tuple[MachineReading, ...] = ()


def execution_success(frames: Frames, role: Role) -> Share:
    """Returns how many executions ended as the reference model says, in the sample."""
    arms = sampled(frames, first_arms(frames, role))
    return Share(successes=int(arms["as_expected"].sum()), n=len(arms))


def retry_success(frames: Frames, role: Role) -> Share:
    """Returns, of the executions in which a step must be retried and can succeed, those in which every one did."""
    due = sampled(frames, first_arms(frames, role))
    due = due[due["retry_due"]]
    return Share(successes=int(due["retry_won"].sum()), n=len(due))


def latencies(frames: Frames, role: Role) -> Floats:
    """Returns the real time spent in the engine, ms, one value a trial."""
    return floats(first_arms(frames, role)["duration_ms"])


def checkpoint_durations(frames: Frames, role: Role) -> Floats:
    """Returns what each checkpoint took, ms, from send to acknowledgement."""
    return floats(frames.checkpoints.loc[frames.checkpoints["role"] == role, "duration_ms"])


def stuck(frames: Frames, role: Role) -> Count:
    """Returns how many executions would never go on, among all; n is the sample's."""
    return Count(count=int(arms_of(frames, role)["stuck"].sum()), n=len(sampled(frames, first_arms(frames, role))))


def duplicates(frames: Frames, role: Role) -> Count:
    """Returns the duplicate effects and steps in executions that were resumed once more after they had settled."""
    arms = arms_of(frames, role)
    return Count(count=int(arms["duplicates"].sum()), n=int(arms["resumed"].sum()))


def peak_memory(frames: Frames, role: Role) -> float | None:
    """Returns the most memory that a process with the engine had resident, MiB; None where it was not measured."""
    return next((each.peak_kib / 1024 for each in frames.weighed if each.role == role), None)


def sample(frames: Frames) -> pd.DataFrame:
    """Returns the trials from which a share is proven: those drawn by chance, each content once.

    What was chosen by hand, as the catalog, is no sample of anything, and the same content twice is one measurement.
    """
    trials = frames.trials
    return trials[trials["drawn"]].drop_duplicates("content")


def sampled(frames: Frames, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows, of arms or others, that belong to the sample's trials."""
    return rows[rows["trial"].isin(sample(frames)["trial"])]


def arms_of(frames: Frames, role: Role) -> pd.DataFrame:
    """Returns both arms of a role."""
    return frames.arms[frames.arms["role"] == role]


def first_arms(frames: Frames, arm: ArmName) -> pd.DataFrame:
    """Returns one arm of every trial."""
    return frames.arms[frames.arms["arm"] == arm]


def by_trial(frames: Frames, arm: ArmName) -> pd.DataFrame:
    """Returns one arm of every trial, by the trial's number."""
    return first_arms(frames, arm).set_index("trial")


def floats(column: pd.Series[float]) -> Floats:
    """Returns the column as an array."""
    return np.asarray(column, dtype=np.float64)
