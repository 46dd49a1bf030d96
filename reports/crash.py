"""What the crash matrix came to, for a terminal and as JSON. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.judge.cases import CaseRecord
from harness.judge.crash import CaseVerdict, Cell, CrashSummary
from harness.judge.findings import Verdict
from reports.words import clip, count, number, plain

__all__ = ["CellPart", "CrashPart", "WitnessPart", "crash_part", "headline", "render_cases", "render_timeline"]

_STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}
_VERDICTS: dict[Verdict, Literal["PASS", "FAIL", "INCONCLUSIVE"]] = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}
_POINTS = ("request", "answer", "call", "reply", "signal")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CellPart(_Part):
    """One cell of the coverage: planned cases, those whose fault fired, those that passed."""

    node_kind: str
    point: str
    way: str
    planned: int
    fired: int
    passed: int


class WitnessPart(_Part):
    """One thing that a check holds against one case, and what repeats it."""

    case: str
    check: str
    message: str
    replay: str


class CrashPart(_Part):
    """The crash matrix of one engine."""

    engine: str
    seed: int
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    headline: str
    cases: int
    passed: int
    unfired: int
    failed: int
    duplicates: int
    lost: int
    redeliveries: int
    duplicates_per_hundred: float
    upper_bound: float
    examined: dict[str, int]
    failed_by_check: dict[str, int]
    coverage: tuple[CellPart, ...]
    witnesses: tuple[WitnessPart, ...]


def headline(summary: CrashSummary) -> str:
    """The one sentence."""
    cases = f"{count(summary.cases)} crash cases"
    match summary.verdict:
        case Verdict.PASS:
            bound = number(summary.upper_bound, "share")
            return (
                f"PASS: {summary.engine} came through {cases} without a duplicate or a loss; with 95 % confidence "
                f"fewer than {bound} of such crashes harm an execution."
            )
        case Verdict.FAIL:
            return (
                f"FAIL: {summary.engine} fails {count(summary.failed)} of {cases}, with {count(summary.duplicates)} "
                f"duplicates ({number(summary.per_hundred, 'count')} per hundred resumes) and "
                f"{count(summary.lost)} losses."
            )
        case _:
            why = f"{count(summary.unfired)} of {cases} did not fire" if summary.cases else "no case was run"
            return f"INCONCLUSIVE: {summary.engine}: {why}."


def crash_part(summary: CrashSummary, replay: str) -> CrashPart:
    """The summary as a part of a report; `replay` is the command that a case's name is put behind."""
    return CrashPart(
        engine=summary.engine,
        seed=summary.seed,
        verdict=_VERDICTS[summary.verdict],
        headline=headline(summary),
        cases=summary.cases,
        passed=summary.passed,
        unfired=summary.unfired,
        failed=summary.failed,
        duplicates=summary.duplicates,
        lost=summary.lost,
        redeliveries=summary.redeliveries,
        duplicates_per_hundred=summary.per_hundred,
        upper_bound=summary.upper_bound,
        examined=dict(summary.examined),
        failed_by_check=dict(summary.failed_by_check),
        coverage=tuple(_cell(cell, counts) for cell, counts in summary.coverage.items()),
        witnesses=tuple(
            WitnessPart(case=case, check=finding.check, message=finding.message, replay=f"{replay} {case}")
            for case, finding in summary.witnesses
        ),
    )


def _cell(cell: Cell, counts: tuple[int, int, int]) -> CellPart:
    planned, fired, passed = counts
    return CellPart(
        node_kind=cell.node_kind, point=cell.point, way=cell.way, planned=planned, fired=fired, passed=passed
    )


def render_cases(part: CrashPart, console: Console) -> None:
    """Prints the matrix, the sentence first and the lines that repeat failures last."""
    console.print(Group(*_parts(part)))
    for witness in part.witnesses[:3]:
        console.print(witness.replay, soft_wrap=True)


def _parts(part: CrashPart) -> Iterator[RenderableType]:
    text = Text(plain(part.headline))
    text.highlight_words([part.verdict], f"bold {_STYLES[part.verdict]}")
    yield text
    yield Text(
        f"{count(part.redeliveries)} redeliveries with the same attempt and key, which are legal; "
        f"{count(part.unfired)} faults did not fire",
        style="dim",
    )
    yield _headed("Cases by way of interruption and kill point: passed of planned", _ways(part))
    yield _headed("Cases by kind of node that the kill point touches", _kinds(part))
    yield _headed("Checks", _checks(part))
    if part.witnesses:
        yield _headed("Witnesses", _witnesses(part))
        yield Group(Text(""), Text("To repeat one", style="bold"))


def _headed(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _grid(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _ways(part: CrashPart) -> Table:
    table = _grid("Way", *(point for point in _POINTS))
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for cell in part.coverage:
        for place, value in enumerate((cell.planned, cell.fired, cell.passed)):
            sums[cell.way, cell.point][place] += value
    for way in dict.fromkeys(way for way, _ in sums):
        table.add_row(way, *(_ratio(sums.get((way, point))) for point in _POINTS))
    return table


def _kinds(part: CrashPart) -> Table:
    table = _grid("Node", *(point for point in _POINTS))
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for cell in part.coverage:
        for place, value in enumerate((cell.planned, cell.fired, cell.passed)):
            sums[cell.node_kind, cell.point][place] += value
    for kind in dict.fromkeys(kind for kind, _ in sums):
        table.add_row(kind, *(_ratio(sums.get((kind, point))) for point in _POINTS))
    return table


def _ratio(counts: list[int] | None) -> Text:
    if counts is None:
        return Text("-", style="dim")
    planned, _, passed = counts
    return Text(f"{count(passed)}/{count(planned)}", style="green" if passed == planned else "red")


def _checks(part: CrashPart) -> Table:
    table = _grid("Check", "facts", "cases against it")
    for check, facts in part.examined.items():
        failed = part.failed_by_check.get(check, 0)
        table.add_row(check, count(facts), Text(count(failed), style="red" if failed else "green"))
    return table


def _witnesses(part: CrashPart) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("Check", "Case", "What"):
        table.add_column(column, overflow="fold")
    for witness in part.witnesses[:12]:
        table.add_row(witness.check, plain(witness.case), plain(clip(witness.message, 200)))
    return table


def render_timeline(record: CaseRecord, judged: CaseVerdict, console: Console, *, around: int | None = None) -> None:
    """Prints one case: the verdict, the findings, and what happened, all of it or `around` moments at the fault."""
    verdict = judged.verdict.value
    text = Text(f"{verdict}: {plain(str(record.case))}, {record.fired} of {record.planned} faults fired")
    text.highlight_words([verdict], f"bold {_STYLES.get(verdict, 'magenta')}")
    console.print(text)
    for finding in judged.findings:
        console.print(Text(f"  {finding.check}: {plain(finding.message)}"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms", justify="right")
    for column in ("worker", "what", "detail"):
        table.add_column(column, overflow="fold")
    struck = next((i for i, moment in enumerate(record.moments) if moment.what in _FAULTS), 0)
    for place, moment in enumerate(record.moments):
        if around is None or abs(place - struck) <= around:
            worker = f"{moment.worker}" if moment.worker else "harness"
            style = "bold red" if moment.what in _FAULTS else ""
            table.add_row(f"{moment.at_ms:.1f}", worker, moment.what, plain(moment.detail), style=style)
    console.print(table)


_FAULTS = frozenset({"kill", "stop", "cut", "refused", "restart", "go-on", "hang"})
