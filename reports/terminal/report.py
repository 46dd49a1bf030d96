"""The report for a terminal: the sentence first, then the tables, then the line that reproduces the run. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cutover.reports.advice import advice
from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.evidence import CheckPart, CriterionPart
from cutover.reports.parts.material import MaterialPart
from cutover.reports.terminal.crash import compact
from cutover.reports.terminal.differences import differences, noise, normalisation, waivers
from cutover.reports.terminal.style import STYLES, table, verdict
from cutover.reports.words import clip, count, needed, number, plain

__all__ = ["in_one_line", "render"]

_WIDE = 110
"""Columns from which there is room for the plan's words beside the criterion."""
_FAILED_SHOWN = 5


def render(document: Document, console: Console, *, lang: Lang = Lang.EN) -> None:
    """Prints the report in the console's width, the sentence first and once more at the end, where the eye is.

    The last line is the command that repeats the run. Commands alone stay on one line, however long, so that they can
    be copied. The sentence alone is in `lang`.
    """
    say = Messages.of(lang)
    console.print(Group(*_parts(document, console.width, say)))
    for command in _failed(document):
        console.print(command, soft_wrap=True)
    console.print(Text(""), _headline(document, say), sep="\n")
    console.print(Text(plain(document.reproduce)), soft_wrap=True)


def in_one_line(document: Document, *, lang: Lang = Lang.EN) -> str:
    """Returns the report's sentence, with the seed that repeats the run."""
    say = Messages.of(lang)
    return say("page.quiet", headline=say.sentence(plain(document.headline)).text, seed=str(document.run.seed))


def _parts(document: Document, width: int, say: Messages) -> Iterator[RenderableType]:
    yield _headline(document, say)
    yield Text(_about(document), style="dim")
    if document.blocking:
        told = (Text(line, style="bold") for line in advice(document, Messages.of(Lang.EN)))
        yield _headed("Why not GO", Group(_reasons(document), *told))
    yield _headed("Criteria of this stage", _criteria(document, width))
    yield _headed("Checks, and what each engine has against it", _checks(document, width))
    yield _headed("Differences between control, candidate and reference, by class", differences(document.differences))
    if document.normalisation:
        yield Padding(normalisation(document.normalisation), (0, 0, 0, 2))
    if document.waivers:
        yield _headed("Waivers: differences that somebody answers for", waivers(document.waivers))
    if document.noise:
        yield _headed(
            "Noise: where the control differs from itself, and how often the candidate alone does",
            noise(document.noise),
        )
    yield _headed("Side by side", _sides(document))
    if document.machine:
        yield _headed("The machine, by a bare probe: median and P95", _machine(document))
    if document.crash is not None:
        yield _headed(
            "Crashes: cases passed of planned, by way of interruption and by kind of node", compact(document.crash)
        )
    if document.material is not None:
        yield _headed("Material: what the scenarios showed", Text(_material(document.material)))
    if document.not_tested:
        yield _headed(
            "What this run says nothing of", Group(*(Text(f"- {plain(line)}") for line in document.not_tested))
        )
    if document.failed_scenarios:
        title = f"To reproduce one failed trial alone, of {count(document.trials_failed)}"
        yield Group(Text(""), Text(title, style="bold"))


def _headline(document: Document, say: Messages) -> Text:
    text = Text(say.sentence(plain(document.headline)).text)
    text.highlight_words([say(f"verdict.{document.verdict}")], STYLES[document.verdict])
    return text


def _headed(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _about(document: Document) -> str:
    run = document.run
    partial = ", partial" if run.partial else ""
    signer = f"to be signed by key {run.signer[:12]}" if run.signer else "not signed"
    return plain(
        f"{run.control.name} against {run.candidate.name}, {count(document.trials)} of {count(run.planned)} trials in "
        f"{run.seconds:.0f} s, {run.server} (Postgres {run.server_version}), seed {run.seed}, "
        f"run {run.run_id}{partial}, {signer}"
    )


def _reasons(document: Document) -> Table:
    made = table("Part", "Verdict", "Because")
    for reason in document.blocking:
        made.add_row(Text(plain(reason.id)), verdict(reason.verdict), Text(plain(reason.text)))
    return made


def _criteria(document: Document, width: int) -> RenderableType:
    if not document.criteria:
        return Text("none")
    words = ("The plan's words",) if width >= _WIDE else ()
    made = table("Criterion", *words, "Threshold", "Estimate", "Bound", "n", "Needed", "Verdict")
    for column in made.columns[-5:-1]:
        column.justify = "right"
    for column in (made.columns[0], *made.columns[-5:]):
        column.no_wrap = True
    for part in document.criteria:
        made.add_row(*_criterion(part, wide=bool(words)))
    return made


def _criterion(part: CriterionPart, *, wide: bool) -> Iterator[RenderableType]:
    yield Text(plain(part.id))
    if wide:
        yield Text(clip(plain(part.words), 60), style="dim")
    yield Text(plain(part.threshold))
    yield Text(number(part.estimate, part.unit))
    yield Text(number(part.bound, part.unit))
    yield Text(count(part.n))
    yield Text(needed(part.n_needed))
    yield verdict(part.verdict) if part.measured else Text("in production", style="dim")


def _checks(document: Document, width: int) -> RenderableType:
    control, candidate = document.run.control.name, document.run.candidate.name
    same = control == candidate
    made = table(
        "Check", "Holds when", "Facts", "control" if same else control, "candidate" if same else candidate, "Verdict"
    )
    for column in made.columns[2:5]:
        column.justify = "right"
    for column in (made.columns[0], *made.columns[2:]):
        column.no_wrap = True
    for part in document.checks:
        made.add_row(*_check(part, width))
    return made


def _check(part: CheckPart, width: int) -> Iterator[RenderableType]:
    yield Text(plain(part.check))
    yield Text(clip(plain(part.holds_when), max(60, 2 * (width - 38))), style="dim")
    yield Text(count(part.examined_candidate))
    yield Text(count(part.findings_control), style="yellow" if part.findings_control else "dim")
    yield Text(count(part.findings_candidate), style="red" if part.findings_candidate else "dim")
    yield verdict(part.verdict)


def _sides(document: Document) -> RenderableType:
    if not document.side_by_side:
        return Text("nothing was measured")
    made = table("", "control", "n", "candidate", "n")
    for column in made.columns[1:]:
        column.justify = "right"
    for side in document.side_by_side:
        made.add_row(
            Text(plain(side.name)),
            Text(number(side.control, side.unit)),
            Text(count(side.n_control), style="dim"),
            Text(number(side.candidate, side.unit)),
            Text(count(side.n_candidate), style="dim"),
        )
    return made


def _machine(document: Document) -> RenderableType:
    made = table("", "Readings", "Round trip", "Bare commit", "Process", "Woken late by", "Connections free")
    for column in made.columns[1:]:
        column.justify = "right"
    for part in document.machine:
        figures = (part.round_trip_ms, part.commit_ms, part.fork_ms, part.delay_ms)
        made.add_row(
            Text(plain(part.moment)),
            Text(count(part.readings)),
            *(Text(f"{number(each.median, 'ms')}, {number(each.p95, 'ms')}") for each in figures),
            Text(count(part.connections_free)),
        )
    return made


def _material(part: MaterialPart) -> str:
    seen, known = part.cells
    return (
        f"{count(part.values)} of {count(part.values_known)} boundary values, {count(seen)} of {count(known)} kinds of "
        f"them in their places, {count(part.pairs_seen)} of {count(len(part.pairs))} pairs of features; at most "
        f"{count(part.most_steps)} steps, {count(part.most_bytes)} bytes in a payload and "
        f"{count(part.most_branches)} branches"
    )


def _failed(document: Document) -> Iterator[Text]:
    for failed in document.failed_scenarios[:_FAILED_SHOWN]:
        yield Text(f"  {plain(failed.reproduce)}")
