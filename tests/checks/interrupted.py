"""A crash case as a history: a `case` line, and what was there at one moment after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from checks.arms import ARM, one_arm
from checks.journals import execution_rows
from checks.lines import HistoryError, HistoryLine, record, taken
from cutover.engines.api import Journal
from cutover.harness.record.acknowledged import Acknowledged, acknowledged
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, Moment
from cutover.scenarios.model import Scenario

__all__ = ["CASE", "case_of"]

CASE: Final = ("case", "command", "moment")
"""The words of the lines that a case has beside its arm's."""
_CRASH: Final = "at the crash:"
_GO_ON: Final = "before the zombie goes on:"
_END: Final = "at the end:"
_SEEN: Final = "seen at "


def case_of(lines: Sequence[HistoryLine], scenario: Scenario) -> CaseRecord:
    """Returns the case; rows before the first heading, and those under `at the end:`, are what it ended with.

    Headings are `at the crash:`, `before the zombie goes on:`, `seen at MOMENT:` for what the harness read at that
    moment, and `at the end:`.
    """
    whole: list[HistoryLine] = []
    journals: dict[str, Journal | None] = {}
    seen: list[Acknowledged] = []
    for heading, part in _sections(lines):
        if heading == _END:
            whole += part
        elif heading in {_CRASH, _GO_ON}:
            journals[heading] = _journal(part)
        elif heading.startswith(_SEEN):
            seen.append(acknowledged(_journal(part), heading.removeprefix(_SEEN).removesuffix(":")))
        else:
            raise HistoryError(f"{heading!r} is no heading: {_CRASH} {_GO_ON} {_SEEN}MOMENT: {_END}")
    rest, (head, *more) = taken(whole, ARM)[0], taken(whole, {"case"})[0]
    if more:
        raise HistoryError(f"{more[0].text!r}: a history has one case")
    arm = one_arm(rest, scenario)
    usual: dict[str, object] = {"case": {}, "planned": 1, "fired": 1, "arm": arm}
    named = CrashCase.parse(head.name)
    made = record(CaseRecord, head, usual | {"case": named})
    return replace(
        made,
        arm=arm,
        at_crash=journals.get(_CRASH),
        before_go_on=journals.get(_GO_ON),
        acknowledged=tuple(seen),
        commands=tuple(_command(line) for line in taken(whole, {"command"})[0]),
        moments=tuple(
            record(Moment, line, {"at_ms": at, "worker": 1, "what": line.name})
            for at, line in enumerate(taken(whole, {"moment"})[0])
        ),
    )


def _command(line: HistoryLine) -> CommandRecord:
    """Returns `command 2 calls=3,4`: what worker 2 was told, and the calls that it made."""
    usual = {"worker": int(line.name), "command": "resume", "ended": "returned"}
    return record(CommandRecord, line, usual)


def _journal(lines: Sequence[HistoryLine]) -> Journal | None:
    """Returns the journal of these rows, None where there are none; the execution runs unless they say otherwise."""
    if not lines:
        return None
    running = HistoryLine("execution", (), {"status": "running"})
    return execution_rows([running, *lines], UUID(int=1), "v2")


def _sections(lines: Sequence[HistoryLine]) -> list[tuple[str, list[HistoryLine]]]:
    found: list[tuple[str, list[HistoryLine]]] = [(_END, [])]
    for line in lines:
        if line.word.endswith(":"):
            found.append((line.word, []))
        else:
            found[-1][1].append(line)
    return found
