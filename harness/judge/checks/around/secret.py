"""SECRET: no payload in the logs. Pure.

Logs go where payloads must not: the plan's log line has nine fields, none of which holds data of the workflow's.
The tokens that a scenario plants in its payloads tell.
"""

from __future__ import annotations

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.outcomes.tokens import tokens_in
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    logs = arm.record.logs
    newer = any(entry.execution_id is not None for entry in arm.record.ledger)  # older runs are judged as they were
    if not newer or not logs or not sheet.trial.prepared.tokens:
        return
    sheet.saw(len(logs))
    if not tokens_in("\n".join(logs)):
        return
    told = [(i, line) for i, line in enumerate(logs, 1) if tokens_in(line)]
    sheet.fault(
        f"{len(told)} of {len(logs)} log lines tell of payloads, first line {told[0][0]}",
        line=told[0][0],
        token=tokens_in(told[0][1])[0],
    )


CHECK = ArmCheck("SECRET", "no log line tells what is in a payload", _look)
