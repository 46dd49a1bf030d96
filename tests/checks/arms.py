"""The arms of a history: rows, calls and logs of each execution, and of those that ran beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from checks.journals import ROWS, execution_rows, log_of, node_of
from checks.lines import NOW, HistoryError, HistoryLine, record, taken
from checks.sound import sound_lines
from cutover.engines.api import EventRow
from cutover.harness.record.trials import Again, ArmRecord, Companion, Failure, LedgerEntry, WaitSeen
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import Scenario

__all__ = ["ARM", "arms_of", "ledger_of", "one_arm"]

ARM: Final = (*ROWS, "arm", "companion", "call", "log", "wait", "failure", "again", "metadata", "sound", "no")
"""The words of the lines that make an arm."""
_ENGINES: Final = {"control": "v1", "candidate": "v2"}


def arms_of(lines: Sequence[HistoryLine], scenario: Scenario) -> dict[str, ArmRecord]:
    """Returns the arms; lines before the first `arm` are the candidate's."""
    found: dict[str, ArmRecord] = {}
    for part in _cut(lines, "arm"):
        arm = one_arm(part, scenario, number=len(found) + 1)
        if arm.arm in found:
            raise HistoryError(f"arm {arm.arm} comes twice")
        found[arm.arm] = arm
    return found


def one_arm(lines: Sequence[HistoryLine], scenario: Scenario, number: int = 1) -> ArmRecord:
    """Returns the arm that the lines are about; `number` is that of its execution."""
    own, *beside = _cut(lines, "companion")
    head = own[0] if own and own[0].word == "arm" else HistoryLine("arm", ("candidate",))
    rest = [line for line in own if line.word != "arm"]
    name = head.name
    engine = _ENGINES["control" if name.startswith("control") else "candidate"]
    usual: dict[str, object] = {
        "arm": name,
        "engine": engine,
        "execution_id": UUID(int=number),
        "position": number - 1,
        "journal": None,
        "duration_ms": 20.0,
    }
    bare = record(ArmRecord, head, usual)
    companions = tuple(
        _companion(part, scenario, bare.engine, number=100 + place) for place, part in enumerate(beside, 1)
    )
    made = replace(
        _filled(bare, rest, scenario),
        companions=companions,
        companion_scenario=scenario_text(scenario) if companions else None,
    )
    again, _ = taken(rest, {"again"})
    waits, _ = taken(rest, {"wait"})
    usual_wait = {"since": NOW, "until": NOW}
    return replace(
        made,
        again=record(Again, again[0], {"calls": 0, "rows_changed": False}) if again else None,
        waits=tuple(record(WaitSeen, line, {"step_id": line.name, **usual_wait}) for line in waits) or None,
        metadata={name: value for line in taken(rest, {"metadata"})[0] for name, value in line.fields.items()},
    )


def ledger_of(lines: Sequence[HistoryLine], own: UUID) -> tuple[LedgerEntry, ...]:
    """Returns the calls, counted in their order."""
    calls, _ = taken(lines, {"call"})
    return tuple(_call(line, number, own) for number, line in enumerate(calls, 1))


def _filled(bare: ArmRecord, lines: Sequence[HistoryLine], scenario: Scenario) -> ArmRecord:
    """Returns the arm with its journal, ledger, logs and failure."""
    own, engine = bare.execution_id, bare.engine
    lines = [each for line in lines for each in (sound_lines(scenario) if line.word == "sound" else (line,))]
    nothing, _ = taken(lines, {"no"})
    if any(line.text != "no journal" for line in nothing):
        raise HistoryError(f"{nothing[0].text!r}: only a journal can be said not to be there")
    journal = execution_rows(lines, own, engine)
    failures, _ = taken(lines, {"failure"})
    return replace(
        bare,
        journal=None if nothing else journal,
        ledger=ledger_of(lines, own),
        logs=_logs(lines, journal.events, own, engine),
        failure=record(Failure, failures[0], {"kind": "exception"}) if failures else None,
    )


def _companion(lines: Sequence[HistoryLine], scenario: Scenario, engine: str, number: int) -> Companion:
    head, *rest = lines
    place = head.name
    usual: dict[str, object] = {"place": place, "execution_id": UUID(int=number), "journal": None, "duration_ms": 20.0}
    bare = record(Companion, head, usual)
    arm = ArmRecord(arm="candidate", engine=engine, execution_id=bare.execution_id, position=0, journal=None)
    made = _filled(arm, rest, scenario)
    return replace(bare, journal=made.journal, ledger=made.ledger, logs=made.logs, failure=made.failure)


def _logs(lines: Sequence[HistoryLine], events: Sequence[EventRow], own: UUID, engine: str) -> tuple[str, ...]:
    """Returns the log lines, each of the event that stands before it."""
    logs: list[str] = []
    seen = 0
    for line in lines:
        if line.word in {"event", "note"}:
            seen += 1
        elif line.word == "log":
            logs.append(log_of(line, events[seen - 1] if seen else None, own, engine))
    return tuple(logs)


def _call(line: HistoryLine, number: int, own: UUID) -> LedgerEntry:
    failed = line.fields.get("status") == "error" or line.fields.get("error", "-") != "-"
    usual = {
        "sequence": number,
        "step_id": line.name,
        "activity": node_of(line.name),
        "attempt": 1,
        "idempotency_key": f"{own}:{line.name}",
        "input": "null",
        "planned": True,
        "status": "error" if failed else "ok",
        "output": None if failed else "null",
        "ports": () if failed else ("out",),
        "error": "busy" if failed else None,
        "retryable": True,
        "effect": "none" if failed else "applied",
        "after_completion": False,
        "at": NOW,
        "execution_id": own,
    }
    return record(LedgerEntry, line, usual)


def _cut(lines: Sequence[HistoryLine], word: str) -> list[list[HistoryLine]]:
    """Returns the lines cut before each line of that word; what comes before the first one is a part, if anything."""
    parts: list[list[HistoryLine]] = [[]]
    for line in lines:
        if line.word == word:
            parts.append([])
        parts[-1].append(line)
    return parts if parts[0] or len(parts) == 1 or word == "companion" else parts[1:]
