"""Names of cases and kill points: what is written can be read, and nothing else can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.harness.record.cases import CaseError, CrashCase, KillPoint, Way

POINTS = st.builds(KillPoint, st.sampled_from(["request", "answer", "call", "reply", "signal"]), st.integers(1, 10**6))
CASES = st.builds(
    CrashCase,
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1),
    POINTS,
    st.sampled_from(Way),
    st.none() | POINTS,
)
STORMS = st.builds(
    CrashCase,
    st.just("03-data-flow"),
    POINTS,
    st.sampled_from([Way.DROP, Way.SERIALIZATION, Way.DEADLOCK]),
    storm=st.integers(1, 10**6),
)


@given(CASES | STORMS)
def test_a_case_is_read_back_from_its_name(case: CrashCase) -> None:
    assert CrashCase.parse(str(case)) == case


@given(POINTS)
def test_a_kill_point_is_read_back_from_its_name(point: KillPoint) -> None:
    assert KillPoint.parse(str(point)) == point


def test_names_are_what_the_reports_write() -> None:
    point = KillPoint("answer", 3)
    assert str(CrashCase("03-data-flow", point, Way.ZOMBIE)) == "03-data-flow@answer:3/zombie"
    assert str(CrashCase("a", point, Way.AGAIN, KillPoint("call", 1))) == "a@answer:3/again@call:1"
    assert str(CrashCase("a", KillPoint("request", 2), Way.DEADLOCK, storm=12)) == "a@request:2/deadlock:12"


def test_names_of_older_runs_are_read() -> None:
    refused = CrashCase.parse("03-data-flow@request:3/serialization@request:1@request:1")
    assert (refused.further, refused.storm) == ((KillPoint("request", 1),) * 2, 0)
    assert CrashCase.parse("03-data-flow@request:3/drop") == CrashCase(
        "03-data-flow", KillPoint("request", 3), Way.DROP
    )


@pytest.mark.parametrize("name", ["a@request:1/once:12", "a@request:1/outage:12", "a@signal:1/signal-late:2"])
def test_only_refusals_and_lost_connections_come_many_times_in_a_row(name: str) -> None:
    with pytest.raises(CaseError, match="deadlock, drop, serialization"):
        CrashCase.parse(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a@answer:3",
        "a@answer/once",
        "a@answer:0/once",
        "a@nowhere:1/once",
        "a@answer:1/often",
        "@call:1/once",
        "a@request:1/drop:0",
        "a@request:1/drop:x",
        "a@request:1/deadlock:12@request:1",
    ],
)
def test_what_is_no_case_is_refused_with_the_way_to_write_one(name: str) -> None:
    with pytest.raises(CaseError, match=r"answer:3"):
        CrashCase.parse(name)
