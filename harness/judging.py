"""Judges a saved run, a large one in several processes at once; the verdict is the same however many. Does I/O.

A process is handed one part of the run's files after another and answers with what it gathered of it, both as lines
of JSON; what they gathered is put together in the order of the trials.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Self

from cutover.harness.errors import RunError
from cutover.harness.judge.analysis import Analysis, conclude
from cutover.harness.judge.differences.waivers import Waivers, load_waivers
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.measures.measurements import Measurement
from cutover.harness.judge.policy.loading import Policy
from cutover.harness.judge.view import Place
from cutover.harness.store.reader import (
    TrialPart,
    crash_scenarios,
    iter_cases,
    iter_trials,
    load_manifest,
    load_memory,
    load_routing,
    parts_of,
    read_part,
)
from cutover.harness.store.tables import StoredFile

__all__ = ["judge_run", "main"]

_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from cutover.harness.judging import main; main()"
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
    """The analysis of a saved run. Raises RunError for a folder that cannot be read, PolicyError for its stage."""
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
    gathered.weighed = load_memory(folder)
    return conclude(gathered, policy, stage, production)


@dataclass(frozen=True, slots=True)
class _JudgingOrder:
    """What every process is told: which run, the checks that the stage requires, waivers, places that are noisy."""

    folder: str
    required: tuple[str, ...]
    waivers: Waivers | None = None
    noisy: tuple[Place, ...] = ()

    def empty(self) -> Gathered:
        """Where to gather."""
        waivers = () if self.waivers is None else self.waivers.waivers
        return Gathered(load_manifest(self.folder), self.required, waivers=waivers, noisy=frozenset(self.noisy))

    def text(self) -> str:
        """As a line of JSON."""
        waivers = None if self.waivers is None else [self.waivers.text, self.waivers.name]
        return json.dumps([self.folder, self.required, waivers, self.noisy])

    @classmethod
    def of(cls, text: bytes) -> Self:
        """The order that `text` wrote."""
        folder, required, waivers, noisy = json.loads(text)
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
    """What was gathered of each part, in order."""
    waiting = iter(enumerate(parts))
    done: dict[int, Mapping[str, Any]] = {}
    due = 0
    processes = [_Process(order.text()) for _ in range(min(workers, len(parts)))]
    try:
        with selectors.DefaultSelector() as selector:
            for process in processes:
                selector.register(process.answers, selectors.EVENT_READ, process)
                process.give(next(waiting, None))
            while due < len(parts):
                for key, _ in selector.select():
                    process = key.data
                    number, found = process.answer()
                    done[number] = found
                    process.give(next(waiting, None))
                while due in done:
                    yield done.pop(due)
                    due += 1
    finally:
        for process in processes:
            process.end()


class _Process:
    """One process that judges parts, in a session of its own, so that Ctrl-C reaches the parent alone."""

    def __init__(self, setup: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", _BOOT, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.answers = _pipe(self._process.stdout)
        self._orders = _pipe(self._process.stdin)
        self._say(setup)

    def give(self, part: tuple[int, TrialPart] | None) -> None:
        """Hands it a part; one that is busy answers for that first."""
        if part is not None:
            self._say(json.dumps([part[0], asdict(part[1])]))

    def answer(self) -> tuple[int, Mapping[str, Any]]:
        """Its next answer: the part's number and what it gathered. Raises RunError."""
        line = self.answers.readline()
        if not line.endswith(b"\n"):
            code = self._process.wait()
            raise RunError(f"a process that judged the run ended (exit status {code}); judge it again with --workers 1")
        number, found, problem = json.loads(line)
        if problem:
            raise RunError(problem)
        return number, found

    def end(self) -> None:
        """Kills it, and gives back its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self.answers, self._orders):
            with contextlib.suppress(OSError):
                pipe.close()

    def _say(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # a process that is gone shows at its output
            self._orders.write(line.encode("ascii") + b"\n")
            self._orders.flush()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError
    return pipe


def main() -> None:
    """Serves parts until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 50)  # what trials leave behind is not in cycles, so there is little to look for
    order = _JudgingOrder.of(sys.stdin.buffer.readline())
    for line in sys.stdin.buffer:
        number, files = json.loads(line)
        gathered = order.empty()
        problem = ""
        try:
            part = TrialPart(**{table: StoredFile(**file) for table, file in files.items()})
            for trial in read_part(order.folder, part):
                gathered.add(trial)
        except RunError as error:
            problem = str(error)
        out.write(json.dumps([number, gathered.part(), problem]) + "\n")
        out.flush()
