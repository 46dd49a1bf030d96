"""A run of the state machine that hit too little is inconclusive, and says what it missed."""

from __future__ import annotations

from cutover.harness.conformance.coverage import CORE, StateCoverage
from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.strategies import stretched
from cutover.harness.judge.checks.sm import LEGAL
from cutover.scenarios.catalog import load_catalog

_PENDING = ("execution", "pending", "CANCEL", "cancelled")


def _full() -> StateCoverage:
    coverage = StateCoverage(sessions=1, history=True)
    coverage.cells.update(CORE)
    coverage.transitions.update(LEGAL - {_PENDING})
    coverage.committed |= {(scope, state) for scope, state, _, _ in LEGAL} - {("execution", "pending")}
    return coverage


def test_all_hit_is_conclusive() -> None:
    assert _full().missing() == ()


def test_nothing_at_all_is_inconclusive() -> None:
    missing = StateCoverage().missing()
    assert len(missing) == len(CORE) + 1
    assert missing[-1] == "no session was finished"


def test_a_cell_that_was_passed_must_be_hit() -> None:
    coverage = _full()
    coverage.command("resume", SessionStatus(seen=(("retrying", "answer"),)), armed=False)
    assert coverage.missing() == ("no worker died at a answer while the execution was retrying",)
    coverage.command("kill", SessionStatus(ended="killed", killed_at=("retrying", "answer")), armed=True)
    assert (coverage.missing(), coverage.kills, coverage.unfired) == ((), 1, 0)


def test_an_armed_death_that_finds_no_point_is_counted() -> None:
    coverage = _full()
    coverage.command("kill", SessionStatus(), armed=True)
    assert (coverage.kills, coverage.unfired) == (0, 1)


def test_a_transition_never_made_is_missing() -> None:
    coverage = _full()
    del coverage.transitions["step", "paused", "CANCEL", "cancelled"]
    assert coverage.missing() == ("no step went paused -CANCEL-> cancelled",)


def test_cancelling_a_pending_execution_is_asked_for_once_one_is_seen() -> None:
    coverage = _full()
    assert coverage.unreachable == {_PENDING}
    coverage.command("resume", SessionStatus(committed=(("execution", "pending"),), looks=1), armed=False)
    assert coverage.missing() == ("no execution went pending -CANCEL-> cancelled",)


def test_what_is_not_reachable_is_declared_with_the_looks_that_say_so() -> None:
    coverage = _full()
    coverage.command("resume", SessionStatus(committed=(("execution", "running"),), looks=7), armed=False)
    [line] = [line for line in coverage.table().splitlines() if "not reachable" in line]
    assert line.split()[:4] == ["execution", "pending", "CANCEL", "cancelled"]
    assert line.endswith("7 looks at committed rows found no execution pending")


def test_a_transition_that_the_engine_makes_itself_is_asked_for_unseen() -> None:
    coverage = _full()
    coverage.committed.clear()
    del coverage.transitions["step", "paused", "RESUME", "running"]
    assert coverage.missing() == ("no step went paused -RESUME-> running",)


def test_an_engine_without_events_owes_no_transitions() -> None:
    coverage = _full()
    coverage.history = False
    coverage.transitions.clear()
    assert coverage.missing() == ()


def test_stretching_moves_every_timeout_and_nothing_else() -> None:
    by_id = {scenario.id: scenario for scenario in load_catalog()}
    before = by_id["42-wait-for-timer"]
    after = stretched(before)
    timeouts = [[node.timeout_ms for node in each.workflow.nodes if node.kind == "wait"] for each in (before, after)]
    assert timeouts[1] == [each + 86_400_000 for each in timeouts[0] if each is not None]
    assert (after.input, after.world, after.signals) == (before.input, before.world, before.signals)
    assert stretched(by_id["50-cancelled-at-pause"]).cancel_at_pause is None
