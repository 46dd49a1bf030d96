"""Literal crash cases of one workflow, `start -> ship -> bill`, for tests of what a death leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from rows import CALL, EXECUTION, NOW, STEP

from cutover.engines.api import ActivityNode, Edge, Journal, StartNode, StepStatus, Workflow
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, Moment
from cutover.harness.record.trials import ArmRecord, LedgerEntry
from cutover.scenarios.model import Response, Scenario

ID = UUID("7f9c2ba4-e88f-4827-96ab-1d2c3b4a5f60")
SCENARIO = Scenario(
    id="two",
    workflow=Workflow(
        id="w",
        nodes=(
            StartNode(id="start"),
            ActivityNode(id="ship", activity="ship"),
            ActivityNode(id="bill", activity="bill"),
        ),
        edges=(Edge(source="start", target="ship"), Edge(source="ship", target="bill")),
    ),
    world={"ship": (Response(output=1),), "bill": (Response(output=2),)},
)


def journal(status: str, **steps: StepStatus) -> Journal:
    rows = [
        replace(
            STEP,
            step_id=name,
            node_id=name,
            status=step,
            input=None,
            output=None,
            ports=(),
            finished_at=NOW if step == "completed" else None,
        )
        for name, step in steps.items()
    ]
    execution = replace(
        EXECUTION,
        id=ID,
        status="completed" if status == "completed" else "running",
        current_node_id=None,
        input="null",
        output="2",
        finished_at=NOW if status == "completed" else None,
    )
    return Journal(execution=execution, steps=tuple(rows))


def call(sequence: int, step_id: str, *, first: bool = True) -> LedgerEntry:
    return replace(
        CALL,
        sequence=sequence,
        step_id=step_id,
        activity=step_id,
        idempotency_key=f"{ID}:{step_id}",
        input="null",
        output="1",
        effect="applied" if first else "deduplicated",
    )


def command(worker: int, *calls: int, killed: bool = False) -> CommandRecord:
    return CommandRecord(worker=worker, command="resume", ended="killed" if killed else "returned", calls=calls)


def record(case: str, at_crash: Journal | None, commands: Sequence[CommandRecord], *steps: str) -> CaseRecord:
    ledger = tuple(call(i, step, first=step not in steps[: i - 1]) for i, step in enumerate(steps, 1))
    return CaseRecord(
        case=CrashCase.parse(case),
        planned=1,
        fired=1,
        at_crash=at_crash,
        commands=tuple(commands),
        moments=tuple(Moment(at_ms=i, worker=1, what="effect") for i, _ in enumerate(steps)),
        arm=ArmRecord(
            arm="candidate",
            engine="x",
            execution_id=ID,
            position=0,
            journal=journal("completed", start="completed", ship="completed", bill="completed"),
            ledger=ledger,
        ),
    )


IN_BILL = journal("running", start="completed", ship="completed", bill="running")
GOOD = record("two@reply:2/once", IN_BILL, [command(1, 1, 2, killed=True), command(2, 3)], "ship", "bill", "bill")
