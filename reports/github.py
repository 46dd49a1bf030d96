"""The report as GitHub annotations: workflow commands, safe against injection by names in the report. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.evidence import ReasonPart
from cutover.reports.words import clip, plain

__all__ = ["MOST", "command", "render"]

MOST = 10
"""GitHub shows this many annotations of one level per step; the last of them says how many more there are."""
_LEVELS = {"FAIL": "error", "ERROR": "error", "INVALID": "error", "INCONCLUSIVE": "warning"}
_HEADLINE = {"GO": "notice", "INCONCLUSIVE": "warning"}


def render(document: Document, *, lang: Lang = Lang.EN) -> str:
    """Returns the headline, what keeps the stage from GO, what reproduces the run, and whose it is, one per line."""
    say = Messages.of(lang)
    lines = [
        command(
            _HEADLINE.get(document.verdict, "error"),
            f"Cutover: {say(f'verdict.{document.verdict}')}",
            say.sentence(plain(document.headline)).text,
        )
    ]
    for level in ("error", "warning"):
        reasons = [reason for reason in document.blocking if _LEVELS.get(reason.verdict, "error") == level]
        room = MOST - sum(line.startswith(f"::{level} ") for line in lines)
        lines += _commands(level, reasons, room, say)
    lines.append(command("notice", f"Cutover: {say('reproduce.title')}", document.reproduce))
    signer = document.run.signer
    told = say("reproduce.signed", by=signer[:12]) if signer else say("reproduce.unsigned")
    lines.append(command("notice", f"Cutover: {say('reproduce.signature')}", told))
    return "".join(f"{line}\n" for line in lines)


def command(level: str, title: str, message: str) -> str:
    """Returns one workflow command on one line, its title and message escaped as GitHub unescapes them."""
    head = _escaped(plain(clip(title, 200))).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={head}::{_escaped(plain(clip(message, 1000)))}"


def _commands(level: str, reasons: list[ReasonPart], room: int, say: Messages) -> Iterator[str]:
    shown = reasons if len(reasons) <= room else reasons[: room - 1]
    for reason in shown:
        text = "; ".join(part.text for part in say.parts(plain(reason.text), "; "))
        yield command(level, f"{reason.id}: {say(f'verdict.{reason.verdict}')}", text)
    if len(shown) < len(reasons):
        yield command(level, "Cutover", say("annotation.left_out", n=say.count(len(reasons) - len(shown))))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
