"""ORD: no step starts before what it waits for has ended, and ready steps start in definition order. Pure.

By the ledger and by the events.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from cutover.engines.api import LoopNode, Workflow
from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.outcomes.diff import diff_texts
from cutover.harness.judge.reference.model import PendingWaits
from cutover.harness.judge.view import END_STATES, ArmView
from cutover.harness.record.trials import LedgerEntry
from cutover.scenarios.validate import nodes_of

__all__ = ["CHECK"]

_NUMBERS: Final = re.compile(r"\[[0-9]+\]")


def _look(arm: ArmView, sheet: Sheet) -> None:
    if arm.expected.refused is not None:
        return
    started, ended = _events(arm)
    _held(arm, sheet, started, ended, "event")
    if started:
        _first_come(arm, sheet, ended)
    started, ended = _ledger(arm)
    _held(arm, sheet, started, ended, "call")
    _taken(arm, sheet)


def _taken(arm: ArmView, sheet: Sheet) -> None:
    """Ready activities are taken in definition order by an engine that runs one after another, as the control does.

    An engine that runs them side by side takes them as it likes; so may one whose control takes them likewise.
    """
    control = sheet.trial.arms.get("control")
    if arm.name == "control" or control is None or arm.record.kills or not _one_by_one(arm):
        return
    sheet.saw(len(arm.calls))
    for first, second in sorted(_out_of_order(arm, sheet) - _out_of_order(control, sheet)):
        sheet.fault(
            f"step {first} is taken before step {second}, which is ready as early and defined before it",
            step_id=first,
            second=second,
        )


def _out_of_order(arm: ArmView, sheet: Sheet) -> set[tuple[str, str]]:
    """Returns activities of one level that began in that order, the second of them ready no later and defined earlier.

    Those that a node without an effect leads to are left out: that node has to be taken first, which no call shows.
    """
    started, ended = _ledger(arm)
    workflow = sheet.trial.trial.scenario.workflow
    places = {(loops, node.id): place for place, (loops, node) in enumerate(nodes_of(workflow))}
    levels: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for step_id in sorted(started, key=started.__getitem__):
        step = arm.expected.steps.get(step_id)
        if step is not None:
            prefix = step_id.removesuffix(step.node_id)
            place = places.get((tuple(_NUMBERS.sub("", prefix).split("/")[:-1]), step.node_id))
            if place is not None:
                levels[prefix].append((place, step_id, _behind(step.waits, ended)))
    return {
        (first, second)
        for begun in levels.values()
        for (place, first, ready), (earlier, second, before) in combinations(begun, 2)
        if earlier < place and before <= ready and _led_to_by_effects(second, arm)
    }


def _led_to_by_effects(step_id: str, arm: ArmView) -> bool:
    """Whether all that leads to a step is a workflow's start, or an activity that was called."""
    waits = arm.expected.steps[step_id].waits
    before = (arm.expected.steps.get(each) for each in waits.all_of | waits.any_of)
    return all(each is not None and (each.kind == "start" or each.step_id in arm.calls) for each in before)


def _one_by_one(arm: ArmView) -> bool:
    """Whether the events tell of an engine that calls no activity while another one runs."""
    running = set[str]()
    for row in arm.transitions:
        if row.step_id is None or row.step_id not in arm.calls:
            continue
        running.discard(row.step_id)
        if row.to_state == "running":
            if running:
                return False
            running.add(row.step_id)
    return bool(arm.transitions)


def _held(arm: ArmView, sheet: Sheet, started: Mapping[str, int], ended: Mapping[str, int], what: str) -> None:
    for step_id, start in started.items():
        step = arm.expected.steps.get(step_id)
        if step is None:
            continue
        sheet.examined += 1
        waits = step.waits
        late = sorted([before for before in waits.all_of if ended.get(before, 0) > start])
        if waits.any_of and not late:
            chosen = [ended[before] for before in waits.any_of if before in ended]
            if chosen and min(chosen) > start:
                late = sorted(waits.any_of)
        if late:
            sheet.fault(
                f"step {step_id} starts with {what} {start}, before {_end(arm, late[0], ended[late[0]], what)}",
                step_id=step_id,
                waits_for=late[0],
                starts=start,
                ends=ended[late[0]],
            )


def _end(arm: ArmView, step_id: str, end: int, what: str) -> str:
    """Says how a step ends; one that calls nothing has no end in the ledger, but a call that it has to wait for."""
    caller = next((entry.step_id for entry in arm.record.ledger if entry.sequence == end), step_id)
    if what == "call" and caller != step_id:
        return f"call {end} of step {caller}, which {step_id} waits for"
    return f"{step_id} ends with {what} {end}"


def _first_come(arm: ArmView, sheet: Sheet, ended: Mapping[str, int]) -> None:
    """A join for any branch is given what the branch that came first put out, whoever came after."""
    for step_id, step in arm.expected.steps.items():
        row = arm.rows.get(step_id)
        if not step.waits.any_of or row is None or row.input is None:
            continue
        prefix = step_id.removesuffix(step.node_id)
        edges = _into(sheet.trial.trial.scenario.workflow, _NUMBERS.sub("", step_id))
        came = [
            (ended[source.step_id], source)
            for name, port in edges
            if (source := arm.rows.get(prefix + name)) is not None
            and source.status in END_STATES
            and port in source.ports
        ]
        if not came:
            continue
        sheet.examined += 1
        first = min(came, key=lambda pair: pair[0])[1]
        if diff_texts(first.output, row.input, ""):
            sheet.fault(
                f"step {step_id} goes by the first branch, which is {first.step_id}, and is given another's output",
                step_id=step_id,
                first=first.step_id,
            )


def _into(level: Workflow, path: str) -> Sequence[tuple[str, str]]:
    """Returns the edges into the node at a path without iterations: source and port."""
    for node in level.nodes:
        if node.id == path:
            return [(edge.source, edge.port) for edge in level.edges if edge.target == path]
        if isinstance(node, LoopNode) and path.startswith(f"{node.id}/"):
            found = _into(node.body, path.removeprefix(f"{node.id}/"))
            if found:
                return found
    return ()


def _events(arm: ArmView) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Returns the sequences of each step's first start and end; what never ends has not ended before anything."""
    started: dict[str, int] = {}
    ended: dict[str, int] = {}
    for row in arm.transitions:
        if row.step_id is None:
            continue
        if row.to_state == "running":
            started.setdefault(row.step_id, row.sequence)
        elif row.to_state in END_STATES:
            ended.setdefault(row.step_id, row.sequence)
    if started:
        never = arm.transitions[-1].sequence + 1
        for step_id in arm.expected.steps:
            ended.setdefault(step_id, never)
    return started, ended


def _ledger(arm: ArmView) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Returns each activity's first call and last needed call; other steps end with the newest call behind them."""
    started = {step_id: calls[0].sequence for step_id, calls in arm.calls.items()}
    done = {step_id: calls[0].sequence if len(calls) == 1 else _needed(calls) for step_id, calls in arm.calls.items()}
    inside: dict[str, int] = {}
    for step_id, sequence in done.items():
        loop, bracket, _ = step_id.rpartition("[")
        while bracket:
            inside[loop] = max(inside.get(loop, 0), sequence)
            loop, bracket, _ = loop.rpartition("[")
    ended: dict[str, int] = {}
    for step_id, step in arm.expected.steps.items():
        ended[step_id] = done.get(step_id) or max(inside.get(step_id, 0), _behind(step.waits, ended))
    return started, ended


def _needed(calls: Sequence[LedgerEntry]) -> int:
    """Returns the first success, else the last attempt's first call: later ones are redeliveries, or a zombie's."""
    last = max(entry.attempt for entry in calls)
    return next(entry.sequence for entry in calls if entry.status == "ok" or entry.attempt == last)


def _behind(waits: PendingWaits, ended: Mapping[str, int]) -> int:
    newest = max([ended.get(before, 0) for before in waits.all_of], default=0)
    if not waits.any_of:
        return newest
    first = min((ended[before] for before in waits.any_of if before in ended), default=0)
    return max(newest, first)


CHECK = ArmCheck("ORD", "no step starts before everything that it waits for has ended", _look)
