"""FLAG: assignment strict, sticky, split as planned, and pinned at the start. Pure.

The bucket is worked out here once more, from the design's formula, so that a router's own mistake does not hide itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias
from uuid import UUID

from harness.judge.findings import CheckResult, Finding, Verdict

__all__ = ["Routed", "judge_routing"]

_Role: TypeAlias = Literal["control", "candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """One execution that a router has served.

    `switch` and `percent` are the flag's texts when it started, None where it was not set. `served` is the role whose
    engine was asked, for the start and then for each later command.
    """

    execution_id: UUID
    salt: str
    switch: str | None
    percent: str | None
    served: tuple[_Role, ...]


def judge_routing(rows: Sequence[Routed]) -> CheckResult:
    """What FLAG says of them."""
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
    return CheckResult(
        check="FLAG", arm="candidate", examined=sum(len(row.served) for row in rows), findings=tuple(findings)
    )


def _role(row: Routed) -> _Role:
    digest = hashlib.sha256(f"{row.salt}:{row.execution_id}".encode()).digest()
    bucket = (int.from_bytes(digest[:4], "big") * 10_000) >> 32
    share = Decimal(row.percent or 0) if row.switch == "true" else Decimal(0)
    return "candidate" if bucket < share * 100 else "control"


def _finding(number: int, row: Routed, message: str) -> Finding:
    return Finding(
        check="FLAG",
        verdict=Verdict.FAIL,
        trial=number,
        scenario="routing",
        arm="candidate",
        message=f"execution {row.execution_id}: {message}",
        witness={"switch": row.switch, "percent": row.percent, "served": " ".join(row.served)},
    )
