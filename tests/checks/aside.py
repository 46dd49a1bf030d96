"""What a run has beside trials and crash cases, as lines: plays, later reads, routing, costs, the run's own facts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, get_args
from uuid import UUID

from checks.arms import ARM, arms_of, one_arm
from checks.lines import NOW, HistoryError, HistoryLine, record, taken
from cutover.harness.record.costs import CommandCosts, PlayCosts, ProcessSize, TableCounts, Traffic
from cutover.harness.record.plays import PlayCheck, PlayCommand, PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import EngineInfo, Manifest, Trial
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import Scenario

__all__ = ["costs_of", "manifest_of", "parts", "plays_of", "rereads_of", "routed_of", "trials_of"]

_SALT: Final = "salt"


def parts(lines: Sequence[HistoryLine], word: str) -> list[tuple[HistoryLine, list[HistoryLine]]]:
    """Returns each line of that word with the lines after it, up to the next one."""
    found: list[tuple[HistoryLine, list[HistoryLine]]] = []
    for line in lines:
        if line.word == word:
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
        else:
            raise HistoryError(f"{line.text!r} stands before the first {word}")
    return found


def plays_of(lines: Sequence[HistoryLine], scenario: Scenario, check: str) -> tuple[PlayRecord, ...]:
    """Returns the plays; each is for the check of the page, where that has plays of its own."""
    found = []
    for number, (head, rest) in enumerate(parts(lines, "play"), 1):
        own = check if check in get_args(PlayCheck) else "SIGNAL"
        arm = one_arm(taken(rest, ARM)[0], scenario, number)
        usual: dict[str, object] = {
            "check": own,
            "name": head.name,
            "role": "candidate",
            "scenario": scenario_text(scenario),
            "arm": arm,
        }
        commands = tuple(record(PlayCommand, line, {"what": line.name}) for line in taken(rest, {"asked"})[0])
        found.append(replace(record(PlayRecord, head, usual), arm=arm, commands=commands))
    return tuple(found)


def rereads_of(lines: Sequence[HistoryLine]) -> tuple[Reread, ...]:
    """Returns executions that were read again."""
    usual: dict[str, object] = {"scenario": "flow", "arm": "candidate", "tables": ()}
    return tuple(
        record(Reread, line, usual | {"trial": number, "execution_id": UUID(int=number)})
        for number, line in enumerate(lines, 1)
    )


def routed_of(lines: Sequence[HistoryLine]) -> tuple[Routed, ...]:
    """Returns executions that were routed; without `served`, each is served by whom its bucket says.

    A bucket is the first four bytes of the SHA-256 of `salt:execution id`, as a share of 2**32, in hundredths of one
    percent.
    """
    found = []
    for number, line in enumerate(lines, 1):
        own = UUID(int=number)
        percent = Decimal(line.fields.get("percent", "10"))
        digest = hashlib.sha256(f"{_SALT}:{own}".encode()).hexdigest()
        inside = int(digest[:8], 16) * 10_000 // 2**32 < percent * 100 and line.fields.get("switch", "true") == "true"
        usual = {
            "execution_id": own,
            "salt": _SALT,
            "switch": "true",
            "percent": "10",
            "served": ("candidate" if inside else "control",),
        }
        found.append(record(Routed, line, usual))
    return tuple(found)


def costs_of(lines: Sequence[HistoryLine]) -> tuple[PlayCosts, ...]:
    """Returns what plays cost: `before`, `step` and `after` are parts of one command, `execution` is one by itself."""
    found = []
    for head, rest in parts(lines, "costs"):
        steps, others = taken(rest, {"before", "step", "after"})
        single, others = taken(others, {"execution"})
        tables, others = taken(others, {"tables"})
        sizes, others = taken(others, {"size"})
        holds, others = taken(others, {"held"})
        if others:
            raise HistoryError(f"{others[0].text!r}: costs have before, step, after, execution, tables, size and held")
        commands = [CommandCosts(parts=tuple(map(_traffic, steps)), open_calls=len(holds))] if steps else []
        commands += [CommandCosts(parts=(_traffic(line),)) for line in single]
        usual: dict[str, object] = {"role": "candidate", "play": head.name, "kind": head.name}
        found.append(
            replace(
                record(PlayCosts, head, usual),
                commands=tuple(commands),
                tables=_counts(tables[0] if tables else HistoryLine("tables")),
                sizes=tuple(_size(line) for line in sizes),
            )
        )
    return tuple(found)


def manifest_of(line: HistoryLine) -> Manifest:
    """Returns the manifest of a run of V1 and V2."""
    usual: dict[str, object] = {
        "run_id": "run",
        "created_at": NOW,
        "cutover_version": "0",
        "seed": 1,
        "stage": 0,
        "control": EngineInfo(spec="v1", name="v1", digest="1"),
        "candidate": EngineInfo(spec="v2", name="v2", digest="2"),
        "server": "server",
        "server_version": "18",
        "planned": 1,
        "finished": 1,
        "workers": 1,
        "seconds": 1.0,
        "cases": 1,
    }
    return record(Manifest, line, usual)


def trials_of(lines: Sequence[HistoryLine], scenario: Scenario) -> tuple[Trial, ...]:
    """Returns the trials of `trial 1` lines, each with the arms behind it; executions have ids of their own."""
    found = []
    for place, (head, rest) in enumerate(parts(lines, "trial")):
        numbered = [_own_execution(line, 10 * place) for line in rest]
        arms = arms_of(numbered, scenario)
        found.append(Trial(number=int(head.name), scenario=scenario, arms=arms))  # type: ignore[arg-type]
    return tuple(found)


def _own_execution(line: HistoryLine, first: int) -> HistoryLine:
    if line.word != "arm" or "execution_id" in line.fields:
        return line
    number = ("control", "control_again", "candidate", "candidate_again").index(line.name)
    return replace(line, fields={**line.fields, "execution_id": str(first + number + 1)})


def _traffic(line: HistoryLine) -> Traffic:
    usual = {"round_trips": 1, "statements": 2, "transactions": 1, "bytes_sent": 800, "bytes_received": 400}
    return record(Traffic, line, usual)


def _counts(line: HistoryLine) -> TableCounts:
    usual = dict.fromkeys(("read", "entries", "fetched", "inserted", "updated", "deleted"), 0)
    return record(TableCounts, line, usual)


def _size(line: HistoryLine) -> ProcessSize:
    usual = {"threads": 4, "descriptors": 12, "resident_kib": 60_000, "connections": 1}
    return record(ProcessSize, line, usual)
