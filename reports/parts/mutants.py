"""The kill matrix of `cutover mutants`, as a document of its own and as a part of an HTML report. Pure."""

from __future__ import annotations

from typing import Literal

from cutover.harness.record.mutants import KillMatrix
from cutover.reports.parts.base import ReportPart

__all__ = ["KillPart", "MatrixPart", "matrix_part"]


class KillPart(ReportPart):
    """One mutant or control; `good` is killed by the check that it names, or of a control not flagged."""

    kind: Literal["engine", "harness", "control"]
    id: str
    pattern: str
    check: str
    good: bool
    others: tuple[str, ...]
    findings: dict[str, int]
    witness: str
    looked_at: int
    seconds: float
    problem: str


class MatrixPart(ReportPart):
    """The kill matrix."""

    good: bool
    headline: str
    seed: int
    seconds: float
    kills: tuple[KillPart, ...]


def matrix_part(matrix: KillMatrix) -> MatrixPart:
    """Returns the matrix as a part of a report."""
    return MatrixPart(
        good=matrix.good,
        headline=_headline(matrix),
        seed=matrix.seed,
        seconds=round(matrix.seconds, 3),
        kills=tuple(
            KillPart(
                kind=kill.kind,
                id=kill.id,
                pattern=kill.pattern,
                check=kill.check,
                good=kill.good,
                others=kill.others,
                findings=dict(kill.seen),
                witness=kill.witness,
                looked_at=kill.looked_at,
                seconds=round(kill.seconds, 3),
                problem=kill.problem,
            )
            for kill in matrix.kills
        ),
    )


def _headline(matrix: KillMatrix) -> str:
    """Returns the outcome of the matrix in one sentence."""
    mutants = [kill for kill in matrix.kills if kill.kind != "control"]
    controls = matrix.of("control")
    killed = sum(kill.good for kill in mutants)
    clean = sum(kill.good for kill in controls)
    verdict = "PASS" if matrix.good else "FAIL"
    return (
        f"{verdict}: {killed} of {len(mutants)} mutants killed by the check that they name, "
        f"{clean} of {len(controls)} controls clean, in {matrix.seconds:.0f} s."
    )
