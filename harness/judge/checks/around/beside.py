"""BESIDE: an execution that runs in the middle of another comes out right itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from cutover.engines.api import JsonText
from cutover.harness.judge.checks import ckpt, data, dup, evt, iso, log, lost, met, ord, out, retry, sm  # noqa: A004 - a check's id, as its module
from cutover.harness.judge.checks.around import ident, secret
from cutover.harness.judge.checks.base import ROWS_OF, ArmCheck, Sheet
from cutover.harness.judge.findings import Finding
from cutover.harness.judge.view import ArmView, view_of
from cutover.harness.record.scenario_texts import scenario_in
from cutover.harness.record.trials import ArmName, ArmRecord, Companion, Trial, role
from cutover.scenarios.model import Scenario

__all__ = ["CHECK"]

_CHECKS: Final[tuple[ArmCheck, ...]] = tuple(
    each.CHECK for each in (out, dup, lost, sm, evt, ckpt, retry, ord, iso, data, log, met, ident, secret)
)


def _look(arm: ArmView, sheet: Sheet) -> None:
    text = arm.record.companion_scenario
    if text is None or role(arm.name) == "control":  # the control's own trials say what is wrong with it
        return
    for companion in arm.record.companions:
        for finding in _findings(arm.name, arm.record.engine, companion, text, sheet):
            sheet.fault(
                f"the execution that ran {_PLACES[companion.place]}: {finding.check}: {finding.message}",
                verdict=finding.verdict,
                place=companion.place,
                check=finding.check,
            )


def _findings(arm: ArmName, engine: str, companion: Companion, text: JsonText, sheet: Sheet) -> Iterator[Finding]:
    record = ArmRecord(
        arm=arm,
        engine=engine,
        execution_id=companion.execution_id,
        position=0,
        journal=companion.journal,
        ledger=companion.ledger,
        logs=companion.logs,
        signals=companion.signals,
        pauses=companion.pauses,
        failure=companion.failure,
        duration_ms=companion.duration_ms,
    )
    scenario = _scenario(text)
    view = view_of(Trial(number=sheet.trial.trial.number, scenario=scenario, arms={arm: record}))
    for check in _CHECKS:
        if ROWS_OF.get(check.id) in sheet.trial.lacks:
            continue
        for result in check(view):
            sheet.saw(result.examined)
            yield from result.findings


@lru_cache(maxsize=2)
def _scenario(text: JsonText) -> Scenario:
    """Returns the scenario in the text: that of the companions of all arms of one trial."""
    return scenario_in(text)


_PLACES: Final = {"inside": "inside an activity of this one", "between": "while this one was paused"}

CHECK = ArmCheck("BESIDE", "an execution that runs in the middle of another comes out right itself", _look)
