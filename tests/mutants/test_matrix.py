"""The kill matrix: every mutant is killed by the check that it names, and no control is flagged."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.mutants.catalog.controls import CONTROLS
from cutover.harness.mutants.catalog.engines import ENGINE_MUTANTS
from cutover.harness.mutants.catalog.harnesses import HARNESS_MUTANTS
from cutover.harness.mutants.matrix import _kill, kill_matrix, known
from cutover.harness.record.mutants import Kill, KillMatrix
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.process.child import ChildExit
from cutover.harness.run.process.forkserver import ForkServerProblem
from cutover.harness.run.process.outcomes import JobFailure, JobLost

SEED = 1
QUICK = (
    "effect-without-key",
    "in-flight-done",
    "shared-context",
    "constant-backoff",
    "reads-then-writes",
    "finishes-unfenced",
    "commits-blindly",
    "writes-behind",
    "skips-versions",
    "rewrites-history",
    "strips-nul",
    "joins-never",
    "never-renews",
    "takes-false-for-true",
    "inconclusive-is-0",
    "ledger-rolled-back",
    "keys-in-order",
    "redelivers",
    "renews-often",
    "sound-router",
)
"""At least one of every check that a mutant names and that is quick to show."""


def play(server: Server, only: Sequence[str] = ()) -> KillMatrix:
    return kill_matrix(server, only=only, seed=SEED, workers=2, on_kill=lambda _kill: None)


def survivors(matrix: KillMatrix) -> dict[str, Kill]:
    return {kill.id: kill for kill in matrix.kills if not kill.good}


def test_the_quick_ones_are_killed_and_the_quick_controls_are_clean(server: Server) -> None:
    matrix = play(server, QUICK)
    assert survivors(matrix) == {}
    assert [kill.id for kill in matrix.kills] == [name for name in known() if name in QUICK]
    assert matrix.good


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_all_are_killed_and_all_controls_are_clean(server: Server) -> None:
    matrix = play(server)
    assert survivors(matrix) == {}
    assert matrix.seconds < 600


def test_there_are_as_many_as_were_promised_each_with_a_name_of_its_own() -> None:
    assert len(ENGINE_MUTANTS) >= 38
    assert len(HARNESS_MUTANTS) >= 10
    assert len(CONTROLS) >= 8
    assert len(set(known())) == len(known())
    assert len({mutant.engine for mutant in ENGINE_MUTANTS}) == len(ENGINE_MUTANTS)


def test_a_player_that_is_gone_is_the_environment_s_fault_and_no_mutant_s() -> None:
    lost = JobLost(CONTROLS[0], "died", ChildExit(-9, killed_from_outside=True))
    with pytest.raises(EnvironmentProblem, match=r"^a process that plays mutants is gone, .* run again$"):
        _kill(lost)


def test_a_mutant_that_cannot_be_played_is_a_problem_of_its_own() -> None:
    kill = _kill(JobFailure(CONTROLS[0], ("builtins.ZeroDivisionError",), "division by zero", ""))
    assert kill is not None
    assert (kill.id, kill.kind, kill.problem) == (CONTROLS[0].id, "control", "ZeroDivisionError: division by zero")
    assert not kill.good


def test_a_mutant_that_the_machine_fails_is_not_blamed_for_it() -> None:
    kinds = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in ForkServerProblem.__mro__)
    with pytest.raises(EnvironmentProblem, match=f"^{ENGINE_MUTANTS[0].id}: the process that forks the hosts is gone"):
        _kill(JobFailure(ENGINE_MUTANTS[0], kinds, "the process that forks the hosts is gone", ""))
