"""FLAG: assignment strict, sticky, monotone, split as planned, and pinned at the start. Pure.

The bucket is worked out here once more, from the design's formula, so that a router's own mistake does not hide itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from cutover.engines.roles import Role
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.measures.stats import split_check
from cutover.harness.record.routing import Routed

__all__ = ["FLAG", "HOLDS_WHEN", "judge_routing"]

FLAG = "FLAG"
HOLDS_WHEN = "the router assigns by the strict flag and the bucket, moves nobody back, splits as planned, and pins"


def judge_routing(rows: Sequence[Routed]) -> CheckResult:
    """Returns the result of FLAG on these executions."""
    findings: list[Finding] = []
    for number, row in enumerate(rows, start=1):
        expected = _role(row)
        if not row.served:
            findings.append(_finding(number, row, "no engine was asked"))
        elif row.served[0] != expected:
            findings.append(
                _finding(
                    number,
                    row,
                    f"with the switch {row.switch!r} at {row.percent} % it starts on the {row.served[0]}, "
                    f"not on the {expected}",
                )
            )
        elif set(row.served) != {expected}:
            findings.append(
                _finding(number, row, f"it starts on the {expected} and is served by {', '.join(row.served[1:])} later")
            )
        findings += [_finding(number, row, message) for message in _climbed(row)]
    if rows:
        findings += _split(rows)
    findings += _unpinned(rows)
    return CheckResult(
        check=FLAG,
        arm="candidate",
        examined=sum(len(row.served) + len(row.climb) for row in rows),
        findings=tuple(findings),
    )


def _unpinned(rows: Sequence[Routed]) -> Iterator[Finding]:
    """What cannot be told of executions that their engine refused to begin: whether they stay where they were begun."""
    refused = [(number, row) for number, row in enumerate(rows, start=1) if row.refused]
    if refused:
        number, row = refused[0]
        yield replace(
            _finding(number, row, ""),
            verdict=Verdict.INCONCLUSIVE,
            message=f"the {row.served[0] if row.served else 'engine'} refused {len(refused)} of {len(rows)} starts, "
            "so what these are pinned to cannot be read",
        )


def _climbed(row: Routed) -> Iterator[str]:
    """What is wrong on the way up: another role than the bucket's, or a way back from the candidate."""
    before: Role = "control"
    for percent, role in row.climb:
        if role != _at(row, Decimal(percent)):
            yield f"at {percent} % it would start on the {role}, not on the {_at(row, Decimal(percent))}"
        if before == "candidate" and role == "control":
            yield f"at {percent} % it would move back to the control"
        before = role


def _split(rows: Sequence[Routed]) -> Iterator[Finding]:
    """Whether the shares that were set are the shares that were served, all of them in one chi-square test.

    The cells are the two roles at each share. The number of starts at a share is set and not drawn, so the test has
    more degrees of freedom than it needs: it errs on the side of no alarm.
    """
    started = [row for row in rows if row.switch == "true" and row.percent is not None and row.served]
    observed, planned = [], []
    for percent in sorted({row.percent for row in started if row.percent is not None}):
        there = [row.served[0] for row in started if row.percent == percent]
        share = float(percent) / 100
        observed += [there.count("candidate"), there.count("control")]
        planned += [share * len(there) / len(started), (1 - share) * len(there) / len(started)]
    verdict, p_value = split_check(observed, planned) if started else (Verdict.INCONCLUSIVE, None)
    if verdict is Verdict.PASS:
        return
    yield Finding(
        check=FLAG,
        verdict=verdict,
        trial=0,
        scenario="routing",
        arm="candidate",
        message=f"{len(started)} starts say nothing of the split; it takes 100"
        if p_value is None
        else f"{len(started)} starts are not split as planned (chi-square, p = {p_value:.2g})",
        witness={"starts": len(started), "p_value": p_value},
    )


def _role(row: Routed) -> Role:
    return _at(row, Decimal(row.percent or 0) if row.switch == "true" else Decimal(0))


def _at(row: Routed, share: Decimal) -> Role:
    """Returns where the execution starts at this share, in percent."""
    digest = hashlib.sha256(f"{row.salt}:{row.execution_id}".encode()).digest()
    bucket = (int.from_bytes(digest[:4], "big") * 10_000) >> 32
    return "candidate" if bucket < share * 100 else "control"


def _finding(number: int, row: Routed, message: str) -> Finding:
    return Finding(
        check=FLAG,
        verdict=Verdict.FAIL,
        trial=number,
        scenario="routing",
        arm="candidate",
        message=f"execution {row.execution_id}: {message}",
        witness={"switch": row.switch, "percent": row.percent, "served": " ".join(row.served)},
    )
