"""Judges a saved run, a large one in several processes at once; the verdict is the same however many. Does I/O.

A process is handed one part of the run's files after another and answers with what it gathered of it; what they
gathered is put together in the order of the trials.
"""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Self

from cutover.harness.errors import RunError
from cutover.harness.judge.analysis import Analysis, conclude
from cutover.harness.judge.differences.waivers import Waivers, load_waivers
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.measures.measurements import Measurement
from cutover.harness.judge.policy.model import Policy
from cutover.harness.judge.selftest import SELF_TEST_TRIALS, self_test
from cutover.harness.judge.view import DifferencePlace
from cutover.harness.record.trials import Trial
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost
from cutover.harness.store.lines import record_trial
from cutover.harness.store.reader import (
    TrialPart,
    crash_scenarios,
    iter_cases,
    iter_rereads,
    iter_trials,
    load_costs,
    load_machine,
    load_manifest,
    load_memory,
    load_plays,
    load_routing,
    parts_of,
    read_part,
)
from cutover.harness.store.tables import StoredFile

__all__ = ["judge_run", "main"]

_FEW = 12
"""Parts of 2 MiB that one process has judged before others would have begun."""


def judge_run(
    folder: Path | str,
    policy: Policy,
    stage: int,
    *,
    workers: int = 1,
    waivers: Waivers | None = None,
    production: Mapping[str, Measurement] | None = None,
) -> Analysis:
    """Returns the analysis of a saved run.

    Raises RunError for a folder that cannot be read, PolicyError for its stage.
    """
    order = _JudgingOrder(str(Path(folder).absolute()), policy.stage(stage).required_checks, waivers)
    parts = parts_of(folder)
    gathered = _gathered(order, parts, workers)
    places = gathered.noise.places()
    if places:
        gathered = _gathered(replace(order, noisy=tuple(sorted(places))), parts, workers)
    scenarios = crash_scenarios(folder)
    for record in iter_cases(folder):
        gathered.add_case(scenarios[record.case.scenario], record)
    gathered.add_routing(load_routing(folder))
    gathered.add_plays(load_plays(folder))
    gathered.add_rereads(iter_rereads(folder))
    gathered.weighed = load_memory(folder)
    gathered.machine = load_machine(folder)
    gathered.facts.selftest = self_test(islice(iter_trials(folder), SELF_TEST_TRIALS), saved=_saved_again)
    gathered.add_costs(load_costs(folder), policy.costs)
    return conclude(gathered, policy, stage, production)


def _saved_again(trial: Trial) -> Trial:
    """Returns the trial as it is after its arms have been written as rows and read again."""
    return record_trial(trial).trial


@dataclass(frozen=True, slots=True)
class _JudgingOrder:
    """What every process is told: which run, the checks that the stage requires, waivers, places that are noisy."""

    folder: str
    required: tuple[str, ...]
    waivers: Waivers | None = None
    noisy: tuple[DifferencePlace, ...] = ()

    def empty(self) -> Gathered:
        """Returns what to gather in."""
        waivers = () if self.waivers is None else self.waivers.waivers
        return Gathered(load_manifest(self.folder), self.required, waivers=waivers, noisy=frozenset(self.noisy))

    def fields(self) -> Sequence[object]:
        """Returns the order as JSON can carry it."""
        waivers = None if self.waivers is None else [self.waivers.text, self.waivers.name]
        return [self.folder, self.required, waivers, self.noisy]

    @classmethod
    def of(cls, fields: Sequence[Any]) -> Self:
        """Returns the order of which these are the fields."""
        folder, required, waivers, noisy = fields
        return cls(
            folder, tuple(required), None if waivers is None else load_waivers(*waivers), tuple(map(tuple, noisy))
        )


def _gathered(order: _JudgingOrder, parts: Sequence[TrialPart], workers: int) -> Gathered:
    gathered = order.empty()
    if workers == 1 or len(parts) <= _FEW:
        for trial in iter_trials(order.folder):
            gathered.add(trial)
        return gathered
    with contextlib.closing(_gathered_apart(order, parts, workers)) as found:
        for part in found:
            gathered.absorb(part)
    if gathered.facts.trials != gathered.manifest.finished:
        told = f"{gathered.facts.trials} trials and its manifest says {gathered.manifest.finished}"
        raise RunError(f"{order.folder} has {told}; run again")
    return gathered


def _gathered_apart(
    order: _JudgingOrder, parts: Sequence[TrialPart], workers: int
) -> Generator[Mapping[str, Any], None, None]:
    """Yields what was gathered of each part, in order."""
    program = ChildProgram("cutover.harness.judging:main", order.fields())
    done: dict[int, Mapping[str, Any]] = {}
    due = 0
    with Executor[tuple[int, TrialPart]](
        [program] * min(workers, len(parts)), lambda job, _told: asdict(job[1])
    ) as judges:
        for outcome in judges.run(enumerate(parts)):
            match outcome:
                case JobAnswer((number, _), line):
                    done[number] = json.loads(line)
                case JobFailure():
                    raise RunError(outcome.message)
                case JobLost():
                    raise RunError(
                        f"a process that judged the run ended (exit status {outcome.exit.status}); "
                        "judge it again with --workers 1"
                    )
            while due in done:
                yield done.pop(due)
                due += 1


def main(link: ParentLink) -> None:
    """Judges one part after another, in a process of its own."""
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 50)  # what trials leave behind is not in cycles, so there is little to look for
    order = _JudgingOrder.of(link.setup)

    def judge(files: Mapping[str, Mapping[str, Any]]) -> bytes:
        gathered = order.empty()
        part = TrialPart(**{table: StoredFile(**file) for table, file in files.items()})
        for trial in read_part(order.folder, part):
            gathered.add(trial)
        return json.dumps(gathered.part()).encode("ascii")

    link.serve(judge, caught=(RunError,))
