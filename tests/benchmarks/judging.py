"""How long judging a saved run takes, and how that grows with the run. Does I/O.

A run is recorded with both engines, then made larger by repeating its trials under new ids: the rows are real, and
every scenario's id and every arm's execution id is its own, so nothing that a judge remembers of one trial serves
another. Each size is judged by a process of its own, as `cutover report` does it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from plan import Plan
from results import Result

from cutover.harness.record.trials import EngineInfo, Manifest
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.shadow import run_trials
from cutover.harness.store.lines import RecordedTrial
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.generated.generator import generate

__all__ = ["judging"]

_SMALL, _LARGE = 100_000, 1_000_000
_TRIALS = 300
_CORES = 2
_MIB = 2**20
_JUDGE = """
import json, resource, sys, time
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judging import judge_run
from cutover.harness.store.reader import load_manifest
from cutover.reports import github, html, junit, markdown
from cutover.reports.document import build
began = time.perf_counter()
analysis = judge_run(sys.argv[1], default_policy(), 0, workers=int(sys.argv[2]))
seconds = time.perf_counter() - began
kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
own, children = (resource.getrusage(kind) for kind in kinds)
steps = next(side for side in analysis.side_by_side if side.id == "steps")
began = time.perf_counter()
document = build(analysis, load_manifest(sys.argv[1]))
texts = [each.render(document) for each in (html, markdown, junit, github)]
rendered = time.perf_counter() - began
print(json.dumps({
    "seconds": seconds,
    "kib": own.ru_maxrss + int(sys.argv[2]) * children.ru_maxrss,
    "cpu": sum(each.ru_utime + each.ru_stime for each in (own, children)),
    "steps": steps.control + steps.candidate,
    "trials": analysis.trials,
    "rendered": rendered,
    "largest": max(len(text.encode()) for text in texts),
}))
"""


@dataclass(frozen=True, slots=True)
class _Judged:
    seconds: float
    kib: int
    cpu: float
    steps: int
    trials: int
    rendered: float
    largest: int


def judging(server: Server, plan: Plan) -> list[Result]:
    """Seconds and memory for a million step records on two cores, and how many times as long as for a tenth."""
    recorded = _recorded(server)
    steps = sum(_steps(line) for trial in recorded for line in trial.lines.values())
    plan.say(f"recorded {len(recorded)} trials with {steps} step records")
    with tempfile.TemporaryDirectory() as place:
        small = _judged(Path(place), recorded, steps, _SMALL)
        plan.say(f"{small.steps:,} step records: {small.seconds:.1f} s, {small.cpu:.1f} s of processor time")
        large = _judged(Path(place), recorded, steps, _LARGE)
        plan.say(f"{large.steps:,} step records: {large.seconds:.1f} s, {large.cpu:.1f} s of processor time")
    how = f"{large.trials:,} trials, {large.steps:,} step records, {_CORES} processes"
    return [
        Result(
            name="f  seconds to judge 1,000,000 step records",
            sense="at most",
            target=30,
            samples=(large.seconds * _LARGE / large.steps,),
            detail=f"{how}; {large.cpu:.1f} s of processor time",
        ),
        Result(
            name="f  MiB to judge them", sense="at most", target=2_048, samples=(large.kib * 1024 / _MIB,), detail=how
        ),
        Result(
            name="f  time for 1,000,000 / 100,000",
            sense="at most",
            target=12,
            samples=((large.seconds / large.steps) / (small.seconds / small.steps) * 10,),
            detail=f"{large.seconds:.1f} s and {small.seconds:.1f} s",
        ),
        Result(
            name="f  seconds to render the report of 100,000",
            sense="at most",
            target=2,
            samples=(small.rendered,),
            detail=f"HTML, Markdown, JUnit, GitHub; {small.trials:,} trials; the largest has {small.largest:,} bytes",
        ),
    ]


def _recorded(server: Server) -> list[RecordedTrial]:
    catalog = load_catalog()
    rng = (random.Random(f"1:{number}") for number in range(1, _TRIALS - len(catalog) + 1))  # noqa: S311 - not secret
    scenarios = (*catalog, *(generate(each, number) for number, each in enumerate(rng, 1)))
    kept: list[RecordedTrial] = []
    run_trials(scenarios, control="v1", candidate="v2", server=server, seed=1, on_trial=kept.append)
    return kept


def _steps(line: bytes) -> int:
    journal = json.loads(line)["journal"]
    return len(journal["steps"]) if journal else 0


def _judged(place: Path, recorded: list[RecordedTrial], steps: int, wanted: int) -> _Judged:
    folder = place / str(wanted)
    with RunWriter(folder, _manifest(-(-wanted // steps) * len(recorded))) as writer:
        for trial in _repeated(recorded, -(-wanted // steps)):
            writer.write(trial)
        writer.finish(seconds=0.0)
    done = subprocess.run(
        [sys.executable, "-c", _JUDGE, str(folder), str(_CORES)], capture_output=True, text=True, check=True
    )
    return _Judged(**json.loads(done.stdout))


def _repeated(recorded: list[RecordedTrial], times: int) -> Iterator[RecordedTrial]:
    """The trials again and again, each under a scenario's id, a trial number and execution ids of its own."""
    rng = random.Random(1)  # noqa: S311 - not secret
    ids = {line: UUID(json.loads(line)["execution_id"]) for trial in recorded for line in trial.lines.values()}
    number = 0
    for turn in range(1, times + 1):
        for trial in recorded:
            number += 1
            scenario = replace(trial.scenario, id=f"{trial.scenario.id}-{turn}")
            lines = {}
            for arm, line in trial.lines.items():
                old, new = ids[line], UUID(int=rng.getrandbits(128), version=4)
                text = line.replace(str(old).encode(), str(new).encode()).replace(old.hex.encode(), new.hex.encode())
                rest = _renamed(text[text.index(b",") :], trial.scenario.id, scenario.id)
                lines[arm] = b'{"trial":%d%b' % (number, rest)
            yield RecordedTrial(number, scenario, lines)


def _renamed(line: bytes, old: str, new: str) -> bytes:
    """The line as one of the other scenario: the name stands in its first field."""
    return line.replace(f'"scenario":"{old}"'.encode(), f'"scenario":"{new}"'.encode(), 1)


def _manifest(planned: int) -> Manifest:
    return Manifest(
        run_id="benchmark",
        created_at=datetime.now(UTC),
        cutover_version="0",
        seed=1,
        stage=0,
        control=EngineInfo(spec="v1", name="v1", digest=""),
        candidate=EngineInfo(spec="v2", name="v2", digest=""),
        server="",
        server_version="",
        planned=planned,
        finished=0,
        workers=_CORES,
        seconds=0.0,
    )
