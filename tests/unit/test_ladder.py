"""The ladder of plays whose costs are counted: workflows of their own, and what runs beside."""

from __future__ import annotations

from cutover.engines.api import Edge
from cutover.harness.judge.reference.model import expect
from cutover.harness.run.side.ladder import LADDER, edition, rung


def test_each_rung_has_a_name_of_its_own() -> None:
    assert len({each.name for each in LADDER}) == len(LADDER)


def test_an_edition_has_other_nodes_and_ends_as_the_other_does() -> None:
    whole = rung("editions-30").scenario
    seventh = edition(whole, 7)
    assert [node.id for node in seventh.workflow.nodes] == ["start", "step-0-7", "step-1-7"]
    assert seventh.workflow.edges[0] == Edge(source="start", target="step-0-7")
    assert seventh.workflow.id == whole.workflow.id
    assert expect(seventh).outcome.output == expect(whole).outcome.output


def test_what_is_to_be_cancelled_waits_for_a_signal_that_does_not_come() -> None:
    scenario = rung("cancelled-40").scenario
    assert scenario.signals == ()
    assert expect(scenario).outcome.status == "cancelled"
