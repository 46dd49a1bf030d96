"""FLAG on literal assignments.

The id below is in bucket 1442: `printf %s orchestrator-v2:ID | sha256sum` prints 24f03f57...,
which is 0.14429 of 2^32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from uuid import UUID

import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.flag import judge_routing
from cutover.harness.record.routing import Routed

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
    failed = [finding for finding in result.findings if finding.verdict is Verdict.FAIL]
    assert [finding.check for finding in failed] == ([] if words is None else ["FLAG"])
    assert all(words is not None and words in finding.message for finding in failed)


@pytest.mark.parametrize(
    ("climb", "words"),
    [
        ((("10", "control"), ("14.42", "control"), ("14.43", "candidate"), ("100", "candidate")), []),
        ((("10", "candidate"), ("50", "candidate")), ["at 10 % it would start on the candidate, not on the control"]),
        (
            (("50", "candidate"), ("100", "control")),
            ["at 100 % it would start on the control", "at 100 % it would move back to the control"],
        ),
    ],
)
def test_nobody_moves_back_on_the_way_up(
    climb: tuple[tuple[str, Literal["control", "candidate"]], ...], words: list[str]
) -> None:
    result = judge_routing([replace(ROW, climb=climb)])
    assert result.examined == len(ROW.served) + len(climb)
    messages = [finding.message for finding in result.findings if finding.verdict is Verdict.FAIL]
    assert len(messages) == len(words)
    assert all(told in message for told, message in zip(words, messages, strict=True))


def split(candidate: int, control: int) -> list[Verdict]:
    """What FLAG says of the split alone, of so many starts at 50 %."""
    row = replace(ROW, percent="50")
    rows = [replace(row, served=("candidate",))] * candidate + [replace(row, served=("control",))] * control
    return [finding.verdict for finding in judge_routing(rows).findings if finding.trial == 0]


def test_the_split_is_tested_from_a_hundred_starts() -> None:
    """(66 - 50)^2 / 50 * 2 = 10.24 and (67 - 50)^2 / 50 * 2 = 11.56; 10.83 is chi-square's 0.999 with 1 degree."""
    assert split(50, 49) == [Verdict.INCONCLUSIVE]
    assert split(50, 50) == split(66, 34) == split(34, 66) == []
    assert split(67, 33) == split(33, 67) == [Verdict.INVALID]


def test_a_share_of_nought_stays_empty() -> None:
    """A hundred starts at 50 % and one on the candidate at 0 %: no chance allows that."""
    rows = [replace(ROW, percent="50"), replace(ROW, percent="50", served=("control",))] * 50
    rows.append(replace(ROW, percent="0", served=("candidate",)))
    assert Verdict.INVALID in [finding.verdict for finding in judge_routing(rows).findings]


def test_nobody_routed_is_nothing_examined() -> None:
    result = judge_routing([])
    assert (result.examined, result.findings) == (0, ())
