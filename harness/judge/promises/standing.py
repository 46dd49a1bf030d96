"""From what was played with an engine to how each of its promises stands. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from cutover.harness.judge.checks import asked_of, run_checks
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.promises.promise import PROMISES, Promise
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.view import view_of
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.promises import EnginePromises, PromiseCell, PromiseName, PromiseStanding
from cutover.harness.record.trials import ArmRecord, Trial
from cutover.scenarios.model import Scenario

__all__ = ["PromiseTally"]

_WHOLE: Final = "cutover try "
_OF_CHECKPOINTS: Final = ("checkpoints",)
"""What is left out of the checks of rows: CKPT then says only whether what a call has acknowledged was durable."""


@dataclass(slots=True)
class _Tallied:
    """What is known of one promise; of the lines that repeat cases the first in order is kept.

    A case that nobody interrupted says most where something is wrong with it, and least where nothing is.
    """

    cases: int = 0
    broken: int = 0
    first: str = ""
    worst: tuple[str, str] | None = None

    def add(self, line: str, findings: Sequence[Finding]) -> None:
        self.cases += 1
        self.first = min(self.first or line, line, key=lambda each: (_is_whole(each), _in_order(each)))
        if findings:
            self.broken += 1
            told = (line, f"{findings[0].check}: {findings[0].message}")
            self.worst = min(
                self.worst or told, told, key=lambda each: (not _is_whole(each[0]), _in_order(each[0]), each[1])
            )


@dataclass(slots=True)
class PromiseTally:
    """Takes in what was played with one engine, in any order; `lacks` is what it does not offer."""

    spec: str
    name: str
    lacks: tuple[str, ...] = ()
    _scenarios: PreparedScenarios = field(default_factory=PreparedScenarios)
    _counts: Mapping[PromiseName, _Tallied] = field(default_factory=lambda: {name: _Tallied() for name in PROMISES})

    def add_case(self, scenario: Scenario, record: CaseRecord) -> None:
        """Judges a crash case. Where its fault did not fire it stands for nothing, unless something is wrong."""
        judged = judge_case(scenario, record, asked_of((*self.lacks, *_OF_CHECKPOINTS)), self._scenarios)
        line = shlex.join(("cutover", "crash", "--engine", self.spec, "--case", str(record.case)))
        for promise in PROMISES.values():
            checks = promise.interrupted(scenario, record.case.way)
            self._take(promise, line, judged.results, checks, fired=record.fired >= record.planned)

    def add_run(self, scenario: Scenario, record: ArmRecord) -> None:
        """Judges an execution that nobody interrupted."""
        trial = Trial(number=1, scenario=scenario, arms={"candidate": record})
        results = run_checks(view_of(trial, self._scenarios), asked_of(self.lacks))
        line = f"{_WHOLE}{shlex.join((self.spec, scenario.id))}"
        for promise in PROMISES.values():
            self._take(promise, line, results, promise.whole(scenario))

    def add_plays(self, plays: Iterable[PlayRecord]) -> None:
        """Judges plays; the executions of one play are one case."""
        ordered = sorted(plays, key=lambda row: row.play)
        for name, rows in groupby(ordered, key=lambda row: row.play):
            asked = list(rows)
            results = judge_plays(asked, self.lacks)
            words = ("cutover", "run", "--candidate", self.spec, "--trials", "1")
            line = shlex.join((*words, "--skip", "routing,memory,costs,crashes", "--play", name))
            for promise in PROMISES.values():
                if any(row.check == promise.play for row in asked):
                    findings = _held_against(results, frozenset({str(promise.play)}))
                    self._counts[promise.id].add(line, findings)

    def told(self) -> EnginePromises:
        """Returns how each promise stands."""
        cells = tuple(self._cell(promise) for promise in PROMISES.values())
        return EnginePromises(spec=self.spec, name=self.name, cells=cells, lacks=self.lacks)

    def _take(
        self,
        promise: Promise,
        line: str,
        results: Sequence[CheckResult],
        checks: frozenset[str],
        *,
        fired: bool = True,
    ) -> None:
        findings = _held_against(results, checks)
        examined = any(result.examined for result in results if result.check in checks)
        if findings or (fired and examined):
            self._counts[promise.id].add(line, findings)

    def _cell(self, promise: Promise) -> PromiseCell:
        count = self._counts[promise.id]
        standing: PromiseStanding = "held" if count.cases else "not asked"
        if count.broken:
            standing = "broken"
        elif not promise.needs.isdisjoint(self.lacks):
            standing = "not offered"
        line, found = count.worst or (count.first, "")
        return PromiseCell(
            promise=promise.id, standing=standing, cases=count.cases, broken=count.broken, repeats=line, found=found
        )


def _held_against(results: Iterable[CheckResult], checks: frozenset[str]) -> list[Finding]:
    """Returns what these checks found, the same first each time."""
    found = (finding for result in results if result.check in checks for finding in result.findings)
    return sorted((each for each in found if each.verdict is Verdict.FAIL), key=lambda each: (each.check, each.message))


def _is_whole(line: str) -> bool:
    return line.startswith(_WHOLE)


def _in_order(line: str) -> tuple[int, str]:
    """Short lines first: a small scenario and one death say more than a large one and three."""
    return len(line), line
