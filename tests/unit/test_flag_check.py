"""FLAG on literal assignments.

The id below is in bucket 1442: `printf %s orchestrator-v2:ID | sha256sum` gives 24f03f57...,
which is 0.14429 of 2^32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from uuid import UUID

import pytest

from harness.judge.flag import Routed, judge_routing

ROW = Routed(
    execution_id=UUID("00000000-0000-0000-0000-000000000001"),
    salt="orchestrator-v2",
    switch="true",
    percent="100",
    served=("candidate", "candidate"),
)


@pytest.mark.parametrize(
    ("switch", "percent", "served", "words"),
    [
        ("true", "100", ("candidate", "candidate"), None),
        ("false", "100", ("control", "control"), None),
        (None, "100", ("control",), None),
        ("true", "0", ("control",), None),
        ("true", "14.42", ("control",), None),
        ("true", "14.43", ("candidate",), None),
        ("true", "14.42", ("candidate",), "starts on the candidate, not on the control"),
        ("false", "100", ("candidate",), "with the switch 'false' at 100 % it starts on the candidate"),
        ("TRUE", "100", ("candidate",), "not on the control"),
        ("true", "100", ("candidate", "control"), "starts on the candidate and is served by control later"),
        ("true", "100", (), "no engine was asked"),
    ],
)
def test_the_assignment_is_strict_split_as_planned_and_pinned(
    switch: str | None, percent: str, served: tuple[Literal["control", "candidate"], ...], words: str | None
) -> None:
    result = judge_routing([replace(ROW, switch=switch, percent=percent, served=served)])
    assert result.examined == len(served)
    assert [finding.check for finding in result.findings] == ([] if words is None else ["FLAG"])
    assert all(words is not None and words in finding.message for finding in result.findings)
