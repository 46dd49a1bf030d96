"""The sample of crash cases that a budget of time allows, on a real server."""

from __future__ import annotations

from cutover.harness.record.cases import CaseRecord, Way
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.crash.plan import Budget, CasePlan
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.catalog import load_catalog

PATIENCE_S = 120.0


def sampled(server: Server, budget: Budget) -> tuple[int, int]:
    """How many cases were planned, and how many were interrupted as planned; one worker plays them."""
    planned: list[int] = []
    records: list[CaseRecord] = []
    crash_matrix(
        server,
        load_catalog()[:1],
        CasePlan(engine="v2", ways=(Way.ONCE,)),
        workers=1,
        on_record=records.append,
        on_planned=planned.append,
        budget=budget,
    )
    return planned[-1], sum(record.fired > 0 for record in records)


def test_where_there_is_time_all_are_played(server: Server) -> None:
    planned, played = sampled(server, Budget(usual_s=PATIENCE_S, most_s=PATIENCE_S))
    assert played == planned > 5


def test_past_its_usual_time_it_goes_on_while_there_are_too_few(server: Server) -> None:
    _, played = sampled(server, Budget(usual_s=0.0, most_s=PATIENCE_S, least=3))
    assert 3 <= played <= 5  # what has begun is ended


def test_past_its_usual_time_it_ends_where_there_are_enough(server: Server) -> None:
    _, played = sampled(server, Budget(usual_s=0.0, most_s=PATIENCE_S))
    assert played == 0


def test_past_all_its_time_it_ends_with_too_few(server: Server) -> None:
    assert sampled(server, Budget(usual_s=0.0, most_s=0.0, least=3)) == (0, 0)
