"""PERF, by what a run's cost plays counted: every law, for both engines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cutover.engines.roles import Role
from cutover.harness.judge.costs.executions import executions_alike
from cutover.harness.judge.costs.faults import CostFault
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.costs.steps import steps_against_control, steps_within_limits
from cutover.harness.judge.costs.waiting import (
    holds_nothing,
    pauses_within_limits,
    steps_beside_signals,
    wakes_alone,
)
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.record.costs import PlayCosts

__all__ = ["PERF", "judge_costs"]

PERF: Final = "PERF"
_ROLES: Final[tuple[Role, ...]] = ("control", "candidate")


def judge_costs(rows: Sequence[PlayCosts], limits: CostLimits) -> tuple[CheckResult, ...]:
    """Returns what the plays tell of each engine; nothing where there are none, as in runs of older versions."""
    return tuple(_result(rows, role, limits) for role in _ROLES) if rows else ()


def _result(rows: Sequence[PlayCosts], role: Role, limits: CostLimits) -> CheckResult:
    mine = [row for row in rows if row.role == role]
    whole = [row for row in mine if not row.problem]
    faults = list(_broken(mine, whole, limits))
    if role == "candidate":
        faults += steps_against_control(whole, [row for row in rows if row.role == "control"], limits)
        faults += _untold(mine)
    return CheckResult(
        check=PERF,
        arm=role,
        examined=sum(row.calls + len(row.commands) + len(row.sizes) for row in whole),
        findings=tuple(_finding(role, fault) for fault in faults),
    )


def _broken(mine: Sequence[PlayCosts], whole: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """What is held counts also in a play that did not end as it must."""
    yield from steps_within_limits(whole, limits)
    yield from executions_alike(whole, limits)
    yield from pauses_within_limits(whole, limits)
    yield from wakes_alone(whole, limits)
    yield from steps_beside_signals(whole, limits)
    yield from holds_nothing(mine)


def _untold(mine: Sequence[PlayCosts]) -> Iterator[CostFault]:
    """Which plays tell nothing."""
    if not mine:
        yield CostFault("costs", "no play was counted", verdict=Verdict.INCONCLUSIVE)
    for row in mine:
        if row.problem:
            message = f"{row.play or 'costs'} could not be counted: {row.problem}"
            yield CostFault(row.play or "costs", message, verdict=Verdict.INCONCLUSIVE)
    if any(row.tables is None and not row.problem for row in mine):
        message = "rows read and written are counted from Postgres 15 on: run on a newer server"
        yield CostFault("costs", message, verdict=Verdict.INCONCLUSIVE)


def _finding(role: Role, fault: CostFault) -> Finding:
    return Finding(
        check=PERF,
        verdict=fault.verdict,
        trial=0,
        scenario=fault.play,
        arm=role,
        message=fault.message,
        witness=fault.witness,
    )
