"""The history of runs: what the reports on later runs show of an earlier one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from cutover.reports.document import Document

__all__ = ["History", "PastRun", "of_document", "of_json"]


@dataclass(frozen=True, slots=True, order=True)
class PastRun:
    """One run and its verdict; `day` is when it was made, to the minute, UTC."""

    day: str
    run_id: str
    stage: int
    verdict: str
    candidate: str
    trials: int


@dataclass(frozen=True, slots=True)
class History:
    """Earlier runs, oldest first; `left_out` counts older ones, `unread` those whose report could not be read."""

    runs: tuple[PastRun, ...] = ()
    left_out: int = 0
    unread: int = 0


def of_document(document: Document) -> PastRun:
    """Returns the run that a report is on."""
    run = document.run
    day = f"{run.created_at:%Y-%m-%d %H:%M}"
    return PastRun(day, run.run_id, document.stage, str(document.verdict), run.candidate.name, document.trials)


def of_json(text: str) -> PastRun | None:
    """Returns the run whose `report.json` this is, of any version of Cutover; None where it is not a report."""
    try:
        report = _SavedReport.model_validate_json(text)
    except ValidationError:
        return None
    run = report.run
    return PastRun(
        run.created_at[:16].replace("T", " "),
        run.run_id,
        report.stage,
        report.verdict,
        run.candidate.name,
        report.trials,
    )


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _ReportedEngine(_Lenient):
    name: str


class _ReportedRun(_Lenient):
    run_id: str
    created_at: str
    candidate: _ReportedEngine


class _SavedReport(_Lenient):
    verdict: str
    stage: int
    trials: int
    run: _ReportedRun
