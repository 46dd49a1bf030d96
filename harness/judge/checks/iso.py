"""ISO: a token planted in one execution's data never shows in another's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engines.api import JsonValue
from harness.judge.checks.base import ArmCheck, Sheet
from harness.judge.view import ArmView
from scenarios.model import Scenario

__all__ = ["CHECK", "planted"]

_TOKEN = re.compile(r"tok-[0-9a-f]{16}(?![0-9a-f])")
_MARK = "tok-"


def planted(scenario: Scenario) -> frozenset[str]:
    """Every token anywhere in the scenario: its own."""
    texts = [scenario.id, scenario.title, repr(scenario.workflow)]
    pending: list[JsonValue] = [scenario.input]
    for name, responses in scenario.world.items():
        texts.append(name)
        for response in responses:
            pending.append(response.output)
            texts.append(response.error or "")
    for signal in scenario.signals:
        texts += (signal.id, signal.name)
        pending.append(signal.payload)
    texts += _strings(pending)
    return frozenset(token for text in texts if _MARK in text for token in _TOKEN.findall(text))


def _strings(pending: list[JsonValue]) -> Iterator[str]:
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            yield from value
            pending += value.values()


def _look(arm: ArmView, sheet: Sheet) -> None:
    own = planted(sheet.trial.trial.scenario)
    for where, text in _texts(arm):
        if text is None or _MARK not in text:
            continue
        tokens = _TOKEN.findall(text)
        sheet.saw(len(tokens))
        for token in set(tokens) - own:
            sheet.fault(f"{where} has {token}, which belongs to another execution", where=where, token=token)


def _texts(arm: ArmView) -> Iterator[tuple[str, str | None]]:
    journal = arm.record.journal
    if journal is not None:
        yield "the execution's input", journal.execution.input
        yield "the execution's output", journal.execution.output
        yield "the execution's error", journal.execution.error
        for row in journal.steps:
            yield f"step {row.step_id}'s input", row.input
            yield f"step {row.step_id}'s output", row.output
            yield f"step {row.step_id}'s error", row.error
        for event in journal.events:
            yield f"event {event.sequence}", event.payload
        for checkpoint in journal.checkpoints:
            yield f"checkpoint {checkpoint.version}", checkpoint.state
    for entry in arm.record.ledger:
        yield f"call {entry.sequence}'s input", entry.input
    for i, line in enumerate(arm.record.logs, 1):
        yield f"log line {i}", line


CHECK = ArmCheck("ISO", "no token planted in another execution's data shows in this one's", _look)
