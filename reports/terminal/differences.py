"""How the engines differ, as the terminal shows it: differences by class, waivers, noise. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cutover.reports.parts.differences import DifferencePart, NoisePart, NormalisationPart, WaiverPart
from cutover.reports.terminal.style import table, verdict
from cutover.reports.words import clip, count, number, plain

__all__ = ["differences", "noise", "normalisation", "waivers"]

_KINDS_SHOWN = 10
_BLOCKING = ("REGRESSION", "BOTH_WRONG")
"""Classes of which more than the most frequent kind is shown."""


def differences(parts: Sequence[DifferencePart]) -> RenderableType:
    """Returns the most frequent kind of each class, and several of the classes that block the stage."""
    if not parts:
        return Text("none")
    made = table("Class", "Known flaw", "Count", "Kinds", "The most frequent, and where first")
    made.columns[2].justify = made.columns[3].justify = "right"
    for column in made.columns[:4]:
        column.no_wrap = True
    for (klass, flaw), kinds in _grouped(parts).items():
        shown = kinds[: (_KINDS_SHOWN if flaw is None else 3) if klass in _BLOCKING else 1]
        for part in shown:
            first = part is shown[0]
            made.add_row(
                verdict(klass) if first else "",
                Text(plain(flaw or "-")) if first else "",
                Text(count(sum(each.count for each in kinds))) if first else "",
                Text(count(len(kinds))) if first else "",
                _difference(part),
            )
    return made


def normalisation(parts: Sequence[NormalisationPart]) -> Text:
    """Returns, in one sentence, how often each rule was needed for texts to be equal."""
    counts = ", ".join(f"{part.passes_over} {count(part.count)}" for part in parts)
    return Text(f"of {count(parts[0].compared)} texts, equal only because something was passed over: {counts}", "dim")


def _grouped(parts: Iterable[DifferencePart]) -> dict[tuple[str, str | None], list[DifferencePart]]:
    """Returns the kinds of difference by class and known flaw, the most frequent of each group first."""
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


def waivers(parts: Sequence[WaiverPart]) -> Table:
    """Returns a table of the waivers, each with its reason."""
    made = table("Waiver", "Owner", "Until", "Hits", "Verdict", "Why, and what became of it")
    made.columns[3].justify = "right"
    for part in parts:
        told = plain(part.reason if part.verdict == "PASS" else f"{part.text}. Meant: {part.reason}")
        made.add_row(
            Text(plain(part.id)),
            Text(plain(part.owner)),
            Text(part.expires.isoformat()),
            Text(f"{count(part.hits)} of {count(part.most_hits)}"),
            verdict(part.verdict),
            Text(clip(told, 200)),
        )
    return made


def noise(parts: Sequence[NoisePart]) -> RenderableType:
    """Returns a table of the paths at which the control differs from itself."""
    made = table("Workflow", "Path", "Control", "Candidate", "p", "Read as")
    for column in made.columns[2:5]:
        column.justify = "right"
    for part in parts[:_KINDS_SHOWN]:
        made.add_row(
            Text(clip(plain(part.workflow), 40)),
            Text(clip(plain(part.path), 80)),
            Text(count(part.own)),
            Text(count(part.worse)),
            Text(number(part.p_value, "")),
            Text("noise") if part.noise else Text("more than noise", "yellow"),
        )
    if len(parts) > _KINDS_SHOWN:
        return Group(made, Text(f"{count(len(parts) - _KINDS_SHOWN)} more in the other formats", "dim"))
    return made


def _side(value: str | None) -> str:
    return "nothing" if value is None else clip(plain(value), 40)
