"""The report for a terminal: the sentence first, then the tables, then the line that reproduces the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.crash import compact
from reports.document import CheckPart, CriterionPart, DifferencePart, Document
from reports.messages import Lang, Messages
from reports.words import clip, count, needed, number, plain

__all__ = ["render"]

_STYLES = {
    "GO": "bold green",
    "PASS": "green",
    "EQUAL": "green",
    "IMPROVEMENT": "green",
    "NOISE": "dim",
    "WAIVED": "dim",
    "INCONCLUSIVE": "yellow",
    "BOTH_WRONG": "yellow",
    "NO-GO": "bold red",
    "ROLLBACK": "bold red",
    "FAIL": "red",
    "REGRESSION": "red",
    "INVALID": "magenta",
    "ERROR": "magenta",
}
_WIDE = 110
"""Columns from which there is room for the plan's words beside the criterion."""
_FAILED_SHOWN = 5
_KINDS_SHOWN = 10
_BLOCKING = ("REGRESSION", "BOTH_WRONG")
"""Classes of which more than the most frequent kind is shown."""


def render(document: Document, console: Console, *, lang: Lang = Lang.EN) -> None:
    """Prints the report in the console's width, the sentence first and once more at the end, where the eye is.

    Commands alone stay on one line, however long, so that they can be copied. The sentence alone is in `lang`.
    """
    say = Messages.of(lang)
    console.print(Group(*_parts(document, console.width, say)))
    for command in _commands(document):
        console.print(command, soft_wrap=True)
    console.print(Text(""), _headline(document, say), sep="\n")


def _parts(document: Document, width: int, say: Messages) -> Iterator[RenderableType]:
    yield _headline(document, say)
    yield Text(_about(document), style="dim")
    if document.blocking:
        yield _headed("Why not GO", _reasons(document))
    yield _headed("Criteria of this stage", _criteria(document, width))
    yield _headed("Checks, and what each engine has against it", _checks(document, width))
    yield _headed("Differences between control, candidate and reference, by class", _differences(document))
    yield _headed("Side by side", _sides(document))
    if document.crash is not None:
        yield _headed(
            "Crashes: cases passed of planned, by way of interruption and by kind of node", compact(document.crash)
        )
    if document.not_tested:
        yield _headed(
            "What this run says nothing of", Group(*(Text(f"- {plain(line)}") for line in document.not_tested))
        )
    yield Group(Text(""), Text("To reproduce", style="bold"))


def _headline(document: Document, say: Messages) -> Text:
    text = Text(say.sentence(plain(document.headline)).text)
    text.highlight_words([say(f"verdict.{document.verdict}")], _STYLES[document.verdict])
    return text


def _headed(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _about(document: Document) -> str:
    run = document.run
    partial = ", partial" if run.partial else ""
    return plain(
        f"{run.control.name} against {run.candidate.name}, {count(document.trials)} of {count(run.planned)} trials in "
        f"{run.seconds:.0f} s, {run.server} (Postgres {run.server_version}), seed {run.seed}, run {run.run_id}{partial}"
    )


def _reasons(document: Document) -> Table:
    table = _table("Part", "Verdict", "Because")
    for reason in document.blocking:
        table.add_row(Text(plain(reason.id)), _verdict(reason.verdict), Text(plain(reason.text)))
    return table


def _criteria(document: Document, width: int) -> RenderableType:
    if not document.criteria:
        return Text("none")
    words = ("The plan's words",) if width >= _WIDE else ()
    table = _table("Criterion", *words, "Threshold", "Estimate", "Bound", "n", "Needed", "Verdict")
    for column in table.columns[-5:-1]:
        column.justify = "right"
    for column in (table.columns[0], *table.columns[-5:]):
        column.no_wrap = True
    for part in document.criteria:
        table.add_row(*_criterion(part, wide=bool(words)))
    return table


def _criterion(part: CriterionPart, *, wide: bool) -> Iterator[RenderableType]:
    yield Text(plain(part.id))
    if wide:
        yield Text(clip(plain(part.words), 60), style="dim")
    yield Text(plain(part.threshold))
    yield Text(number(part.estimate, part.unit))
    yield Text(number(part.bound, part.unit))
    yield Text(count(part.n))
    yield Text(needed(part.n_needed))
    yield _verdict(part.verdict) if part.measured else Text("in production", style="dim")


def _checks(document: Document, width: int) -> RenderableType:
    control, candidate = document.run.control.name, document.run.candidate.name
    same = control == candidate
    table = _table(
        "Check", "Holds when", "Facts", "control" if same else control, "candidate" if same else candidate, "Verdict"
    )
    for column in table.columns[2:5]:
        column.justify = "right"
    for column in (table.columns[0], *table.columns[2:]):
        column.no_wrap = True
    for part in document.checks:
        table.add_row(*_check(part, width))
    return table


def _check(part: CheckPart, width: int) -> Iterator[RenderableType]:
    yield Text(plain(part.check))
    yield Text(clip(plain(part.holds_when), max(60, 2 * (width - 38))), style="dim")
    yield Text(count(part.examined_candidate))
    yield Text(count(part.findings_control), style="yellow" if part.findings_control else "dim")
    yield Text(count(part.findings_candidate), style="red" if part.findings_candidate else "dim")
    yield _verdict(part.verdict)


def _differences(document: Document) -> RenderableType:
    if not document.differences:
        return Text("none")
    table = _table("Class", "Known flaw", "Count", "Kinds", "The most frequent, and where first")
    table.columns[2].justify = table.columns[3].justify = "right"
    for column in table.columns[:4]:
        column.no_wrap = True
    for (klass, flaw), kinds in _grouped(document.differences).items():
        shown = kinds[: (_KINDS_SHOWN if flaw is None else 3) if klass in _BLOCKING else 1]
        for part in shown:
            first = part is shown[0]
            table.add_row(
                _verdict(klass) if first else "",
                Text(plain(flaw or "-")) if first else "",
                Text(count(sum(each.count for each in kinds))) if first else "",
                Text(count(len(kinds))) if first else "",
                _difference(part),
            )
    return table


def _grouped(parts: Iterable[DifferencePart]) -> dict[tuple[str, str | None], list[DifferencePart]]:
    """The kinds of difference by class and known flaw, each group's most frequent first, in the document's order."""
    groups: dict[tuple[str, str | None], list[DifferencePart]] = {}
    for part in parts:
        groups.setdefault((part.klass, part.flaw), []).append(part)
    for kinds in groups.values():
        kinds.sort(key=lambda part: -part.count)
    return groups


def _difference(part: DifferencePart) -> Text:
    text = Text(plain(part.fingerprint))
    for sample in part.samples[:1]:
        text.append(
            f" (trial {sample.trial}, {plain(sample.scenario)}: {_side(sample.left)} -> {_side(sample.right)})", "dim"
        )
    return text


def _side(value: str | None) -> str:
    return "nothing" if value is None else clip(plain(value), 40)


def _sides(document: Document) -> RenderableType:
    if not document.side_by_side:
        return Text("nothing was measured")
    table = _table("", "control", "n", "candidate", "n")
    for column in table.columns[1:]:
        column.justify = "right"
    for side in document.side_by_side:
        table.add_row(
            Text(plain(side.name)),
            Text(number(side.control, side.unit)),
            Text(count(side.n_control), style="dim"),
            Text(number(side.candidate, side.unit)),
            Text(count(side.n_candidate), style="dim"),
        )
    return table


def _commands(document: Document) -> Iterator[Text]:
    yield Text(f"  {plain(document.reproduce)}")
    shown = document.failed_scenarios[:_FAILED_SHOWN]
    if shown:
        yield Text(f"  one failed trial alone, of {count(document.trials_failed)}:", style="dim")
    for failed in shown:
        yield Text(f"  {plain(failed.reproduce)}")


def _verdict(name: str) -> Text:
    return Text(name, style=_STYLES.get(name, ""))


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(Text(plain(head)), overflow="fold")
    return table
