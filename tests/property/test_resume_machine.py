"""The state machine of resume on our own engines: V2 holds, V1's duplicate is found and shrinks to next to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from cutover.harness.conformance.coverage import CORE, StateCoverage
from cutover.harness.conformance.directed import run_directed
from cutover.harness.conformance.engine_under_test import session_client
from cutover.harness.conformance.judging import PropertyBroken
from cutover.harness.conformance.machine import machine_for
from cutover.harness.conformance.profiles import profile
from cutover.harness.run.crash.matrix import SETTINGS
from cutover.harness.run.postgres.server import ProvisionMode, Server, provision
from cutover.scenarios.files import dumps, loads


@pytest.fixture(scope="module")
def relaxed() -> Iterator[Server]:
    """A server that does not wait for the disk; processes die here, machines do not."""
    mode = cast("ProvisionMode", os.environ.get("CUTOVER_TEST_POSTGRES", "embedded"))
    with provision(mode=mode, settings=SETTINGS) as made:
        yield made


def _holds(server: Server, how: settings) -> None:
    coverage = StateCoverage()
    with session_client(server, "v2") as client:
        run_state_machine_as_test(machine_for(client, coverage), settings=how)
        run_directed(client, coverage)
    print(coverage.table())  # noqa: T201 - shown with -s, or where the test fails
    assert coverage.kills >= coverage.sessions // 4
    assert coverage.reachable >= CORE
    assert not coverage.missing(), "INCONCLUSIVE: " + "; ".join(coverage.missing())


@pytest.mark.timeout(1_800)
def test_v2_holds_and_every_reachable_cell_is_hit(relaxed: Server) -> None:
    """On the first examples of those that `ci` draws: what none of them meets is aimed at."""
    _holds(relaxed, settings(profile("ci"), max_examples=80))


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
def test_v2_holds_nightly(relaxed: Server) -> None:
    _holds(relaxed, profile("nightly"))


def test_what_no_example_met_is_aimed_at(relaxed: Server) -> None:
    coverage = StateCoverage()
    with session_client(relaxed, "v2") as client:
        run_directed(client, coverage)
    assert coverage.missing() == ()
    assert coverage.sessions == coverage.directed
    assert coverage.unreachable == {("execution", "pending", "CANCEL", "cancelled")}


def test_a_wrong_engine_is_found_while_something_else_is_looked_for(relaxed: Server) -> None:
    with session_client(relaxed, "v1") as client, pytest.raises(PropertyBroken, match=r"RETRY: step .* 1 attempts"):
        run_directed(client, StateCoverage())


@pytest.mark.timeout(1_800)
def test_v1_duplicate_is_found_within_50_examples_and_shrinks(relaxed: Server) -> None:
    coverage = StateCoverage()
    with session_client(relaxed, "v1") as client:
        machine = machine_for(client, coverage, only={"DUP"})
        with pytest.raises(PropertyBroken, match="its effect was applied 2 times"):
            run_state_machine_as_test(machine, settings=settings(profile("ci"), max_examples=50))
    minimal, findings = machine.failures[-1]
    assert {finding.check for finding in findings} == {"DUP"}
    assert len(minimal.workflow.nodes) <= 3
    assert loads(dumps(minimal)) == minimal
