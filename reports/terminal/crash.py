"""The crash matrix, and the time line of one case, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cutover.harness.judge.crash.tally import CaseVerdict
from cutover.harness.record.cases import CaseRecord
from cutover.reports.parts.crash import MOMENT, POINTS, CrashPart, Grid, grid
from cutover.reports.words import clip, count, plain, printable

__all__ = ["compact", "render_cases", "render_timeline"]

_STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}


def render_cases(part: CrashPart, console: Console) -> None:
    """Prints the matrix, the sentence first and the lines that repeat failures last."""
    console.print(Group(*_parts(part)))
    for witness in part.witnesses[:3]:
        console.print(witness.replay, soft_wrap=True)


def compact(part: CrashPart) -> RenderableType:
    """Returns the matrix as a run's report shows it: the sentence, both tables, and what repeats a failure."""
    repeat = [Text(plain(f"{witness.check}: {witness.replay}")) for witness in part.witnesses[:3]]
    return Group(_sentence(part), _legal(part), Text(""), _ways(part), Text(""), _kinds(part), *repeat)


def _parts(part: CrashPart) -> Iterator[RenderableType]:
    yield _sentence(part)
    yield _legal(part)
    yield _headed("Cases by way of interruption and kill point: passed of planned", _ways(part))
    yield _headed("Cases by kind of node that the kill point touches", _kinds(part))
    yield _headed("Checks", _checks(part))
    if part.witnesses:
        yield _headed("Witnesses", _witnesses(part))
        yield Group(Text(""), Text("To repeat one", style="bold"))


def _sentence(part: CrashPart) -> Text:
    text = Text(plain(part.headline))
    text.highlight_words([part.verdict], f"bold {_STYLES[part.verdict]}")
    return text


def _legal(part: CrashPart) -> Text:
    partial = f"; partial: interrupted after {count(part.cases)} of {count(part.planned)} cases" if part.partial else ""
    return Text(
        f"{count(part.redeliveries)} redeliveries with the same attempt and key, which are legal; "
        f"{count(part.unfired)} faults did not fire{partial}",
        style="dim",
    )


def _headed(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _ways(part: CrashPart) -> Table:
    return _sums("Way", grid(part, "way"))


def _kinds(part: CrashPart) -> Table:
    return _sums("Node", grid(part, "node_kind"))


def _sums(head: str, cases: Grid) -> Table:
    """Returns passed of planned cases by row and kill point; empty cells that could have had cases say so."""
    points = (*POINTS, MOMENT) if any(point == MOMENT for _, point in cases.cells) else POINTS
    made = _table(head, *points)
    for name in cases.rows:
        made.add_row(
            plain(name),
            *(
                Text("not tested", style="yellow")
                if (name, point) in cases.untouched
                else _ratio(cases.cells.get((name, point)))
                for point in points
            ),
        )
    return made


def _ratio(counts: tuple[int, int] | None) -> Text:
    if counts is None:
        return Text("-", style="dim")
    planned, passed = counts
    return Text(f"{count(passed)}/{count(planned)}", style="green" if passed == planned else "red")


def _checks(part: CrashPart) -> Table:
    table = _table("Check", "facts", "cases against it")
    for check, facts in part.examined.items():
        failed = part.failed_by_check.get(check, 0)
        table.add_row(plain(check), count(facts), Text(count(failed), style="red" if failed else "green"))
    return table


def _witnesses(part: CrashPart) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("Check", "Case", "What"):
        table.add_column(column, overflow="fold")
    for witness in part.witnesses[:12]:
        table.add_row(plain(witness.check), plain(witness.case), plain(clip(witness.message, 200)))
    return table


def render_timeline(record: CaseRecord, judged: CaseVerdict, console: Console, *, around: int | None = None) -> None:
    """Prints one case: the verdict, the findings, and what happened, all of it or `around` moments at the fault."""
    verdict = judged.verdict.value
    text = Text(f"{verdict}: {plain(str(record.case))}, {record.fired} of {record.planned} faults fired")
    text.highlight_words([verdict], f"bold {_STYLES.get(verdict, 'magenta')}")
    console.print(text)
    for finding in judged.findings:
        console.print(Text(f"  {finding.check}: {plain(finding.message)}"), soft_wrap=True)
    if record.arm.failure is not None and record.arm.failure.trace:
        console.print(Text("It was raised in:\n" + printable(record.arm.failure.trace)), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms", justify="right")
    for column in ("worker", "what", "detail"):
        table.add_column(column, overflow="fold")
    fault = next((i for i, moment in enumerate(record.moments) if moment.what in _FAULTS), 0)
    for place, moment in enumerate(record.moments):
        if around is None or abs(place - fault) <= around:
            worker = f"{moment.worker}" if moment.worker else "harness"
            style = "bold red" if moment.what in _FAULTS else ""
            table.add_row(f"{moment.at_ms:.1f}", worker, moment.what, plain(moment.detail), style=style)
    console.print(table)


_FAULTS = frozenset({"kill", "stop", "cut", "refused", "away", "restart", "go-on", "hang"})
