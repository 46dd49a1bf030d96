"""Judges a saved run, a large one in several processes at once; the verdict is the same however many. Does I/O.

A process is handed one part of the run's files after another and answers with what it gathered of it, both as lines
of JSON; what they gathered is put together in the order of the trials.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from harness.errors import RunError
from harness.judge.analysis import Analysis, conclude
from harness.judge.gathered import Gathered
from harness.judge.metrics import Measurement
from harness.judge.policy import Policy
from harness.run.blocks import Block
from harness.run.store import Part, crash_scenarios, iter_cases, iter_trials, load_manifest, parts_of, read_part

__all__ = ["judge_run", "main"]

_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from harness.run.judging import main; main()"
_FEW = 12
"""Parts of 2 MiB that one process has judged before others would have begun."""


def judge_run(
    folder: Path | str,
    policy: Policy,
    stage: int,
    *,
    workers: int = 1,
    production: Mapping[str, Measurement] | None = None,
) -> Analysis:
    """The analysis of a saved run. Raises RunError for a folder that cannot be read, PolicyError for its stage."""
    required = policy.stage(stage).required_checks
    gathered = Gathered(load_manifest(folder), required)
    parts = parts_of(folder)
    if workers > 1 and len(parts) > _FEW:
        with contextlib.closing(_gathered_apart(Path(folder), required, parts, workers)) as found:
            for part in found:
                gathered.absorb(part)
        if gathered.facts.trials != gathered.manifest.finished:
            told = f"{gathered.facts.trials} trials and its manifest says {gathered.manifest.finished}"
            raise RunError(f"{folder} has {told}; run again")
    else:
        for trial in iter_trials(folder):
            gathered.add(trial)
    scenarios = crash_scenarios(folder)
    for record in iter_cases(folder):
        gathered.add_case(scenarios[record.case.scenario], record)
    return conclude(gathered, policy, stage, production)


def _gathered_apart(
    folder: Path, required: Sequence[str], parts: Sequence[Part], workers: int
) -> Generator[Mapping[str, Any], None, None]:
    """What was gathered of each part, in order."""
    setup = json.dumps({"folder": str(folder.absolute()), "required": list(required)})
    waiting = iter(enumerate(parts))
    done: dict[int, Mapping[str, Any]] = {}
    due = 0
    processes = [_Process(setup) for _ in range(min(workers, len(parts)))]
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

    def give(self, part: tuple[int, Part] | None) -> None:
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
    setup = json.loads(sys.stdin.buffer.readline())
    folder = setup["folder"]
    manifest = load_manifest(folder)
    for line in sys.stdin.buffer:
        number, blocks = json.loads(line)
        gathered = Gathered(manifest, setup["required"])
        problem = ""
        try:
            part = Part(**{name: Block(**block) for name, block in blocks.items()})
            for trial in read_part(folder, part):
                gathered.add(trial)
        except RunError as error:
            problem = str(error)
        out.write(json.dumps([number, gathered.part(), problem]) + "\n")
        out.flush()
