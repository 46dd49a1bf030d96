"""READ: an execution is the same at the end of its run, and the public tables say so too. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cutover.engines.api import Journal
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.record.rereads import Reread

__all__ = ["READ", "judge_rereads"]

READ = "READ"


def judge_rereads(rows: Iterable[Reread]) -> CheckResult:
    """Returns the result of READ on these executions.

    Where no row tells of the plan's tables the engine keeps its rows elsewhere, and half of the question is open.
    """
    examined, untold = 0, list[Reread]()
    findings: list[Finding] = []
    for row in rows:
        examined += 1 + len(row.tables or ())
        findings += [_finding(row, message) for message in _wrong(row)]
        if row.tables is None and row.failure is None:
            untold.append(row)
    if untold and len(untold) == examined:
        message = "the plan's tables were not looked at: this database has none of them"
        findings.append(_finding(untold[0], message, Verdict.INCONCLUSIVE))
    return CheckResult(check=READ, arm="candidate", examined=examined, findings=tuple(findings))


def _wrong(row: Reread) -> Iterator[str]:
    if row.failure is not None:
        yield f"read again at the end of the run: {row.failure.kind}, {row.failure.type}: {row.failure.message}"
    elif row.changed:
        yield f"read again at the end of the run, it is not what it was: {_told(row.journal)}"
    for table in row.tables or ():
        yield f"the table {table} does not say what the journal says"


def _told(journal: Journal | None) -> str:
    if journal is None:
        return "nothing is left of it"
    return f"now {journal.execution.status}, with {len(journal.steps)} steps and {len(journal.events)} events"


def _finding(row: Reread, message: str, verdict: Verdict = Verdict.FAIL) -> Finding:
    return Finding(
        check=READ,
        verdict=verdict,
        trial=row.trial,
        scenario=row.scenario,
        arm=row.arm,
        message=message,
        witness={"execution_id": str(row.execution_id)},
    )
