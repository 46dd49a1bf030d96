"""What becomes of jobs that are played in forked processes: they answer, die, or go quiet."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence

import pytest
from mutation.forks import Ending, Message, Say, play_all

from cutover.harness.errors import EnvironmentProblem

PATIENT_S = 60.0


def play(job: str, slot: int, say: Say) -> Message:
    say({"cases": 3})
    if job == "raises":
        raise ValueError("the job is wrong")
    if job == "exits":
        os._exit(7)
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "hangs":
        signal.pause()
    return {"job": job, "pid": os.getpid(), "slot": slot}


def ends(jobs: Iterable[str], *, workers: int = 1, quiet_s: float = PATIENT_S) -> Sequence[tuple[str, Ending]]:
    return list(play_all(jobs, play, workers=workers, quiet_s=quiet_s))


def test_each_job_answers_from_a_process_of_its_own() -> None:
    found = ends(["a", "b", "c"], workers=2)
    assert sorted(job for job, _ in found) == ["a", "b", "c"]
    assert all(ending.kind == "done" and ending.answer["job"] == job for job, ending in found)
    assert all(ending.slot == ending.answer["slot"] for _, ending in found)
    assert len({ending.answer["pid"] for _, ending in found} | {os.getpid()}) == 4
    assert {ending.slot for _, ending in found} <= {0, 1}


@pytest.mark.parametrize(("job", "words"), [("raises", "the job is wrong"), ("exits", "")])
def test_one_that_ends_without_an_answer_has_died(job: str, words: str) -> None:
    ((_, ending),) = ends([job])
    assert (ending.kind, ending.said, ending.answer) == ("died", {"cases": 3}, {})
    assert words in ending.words


def test_one_that_says_nothing_more_is_killed() -> None:
    (_, hung), (_, done) = ends(["hangs", "a"], quiet_s=0.2)
    assert (hung.kind, hung.said) == ("timeout", {"cases": 3})
    assert done.kind == "done"


def test_one_that_somebody_kills_says_nothing_about_the_job() -> None:
    with pytest.raises(EnvironmentProblem, match="a process that plays a mutant was killed by SIGKILL"):
        ends(["killed"])
