"""Has a run's executions read again when all its trials have ended. Pure but for the pool that it is given.

Half of them by engines that have run all along, which may remember more than they wrote, and half by new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from cutover.harness.record.rereads import Reread
from cutover.harness.record.trials import ArmName, Failure
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.run.trials.pool import LostArm, Pool, RecordedArm, RefusedArm
from cutover.harness.run.trials.reread import DIGEST_OF_NONE
from cutover.harness.run.trials.worker import RereadJob
from cutover.harness.store.lines import encode_fields
from cutover.scenarios.model import Scenario

__all__ = ["Rereading"]

_AT_ONCE: Final = 50
"""Executions of one job."""
_ARMS: Final[tuple[ArmName, ...]] = ("candidate", "candidate_again")


class Rereading:
    """The candidate's executions, as they come; those that failed to return, or have no journal, are left out."""

    def __init__(self, scenarios: Sequence[Scenario], seed: int) -> None:
        self._scenarios, self._seed = scenarios, seed
        self._known: dict[ArmName, list[tuple[int, str, str, str]]] = {arm: [] for arm in _ARMS}

    def note(self, news: RecordedArm | LostArm) -> None:
        """Takes note of an arm that has ended."""
        arm = next((each for each in _ARMS if each == news.arm), None)
        if arm is None or isinstance(news, LostArm) or news.digest == DIGEST_OF_NONE:
            return
        scenario = self._scenarios[news.number - 1]
        own = execution_id(self._seed, scenario, arm, news.number)
        self._known[arm].append((news.number, scenario.id, str(own), news.digest))

    def lines(
        self, pool: Pool, on_refused: Callable[[RefusedArm], None], arms: Collection[ArmName] = _ARMS
    ) -> Iterator[bytes]:
        """Yields a line for each execution of these arms, as a saved run has it.

        `on_refused` hears of what is refused meanwhile.
        """
        for told in pool.read_again(job for job in self._jobs() if job.arm in arms):
            if isinstance(told, RefusedArm):
                on_refused(told)
                continue
            if isinstance(told, bytes):
                yield told
                continue
            failure = Failure(kind="died", type="lost", message="the process that read it again was lost")
            for number, scenario, own, _ in told.executions:
                yield encode_fields(
                    Reread(
                        trial=number,
                        scenario=scenario,
                        arm=next(each for each in _ARMS if each == told.arm),
                        execution_id=UUID(own),
                        failure=failure,
                    )
                )

    def _jobs(self) -> Iterator[RereadJob]:
        for arm, executions in self._known.items():
            for fresh in (False, True):
                mine = [each for each in executions if (each[0] % 2 == 0) is fresh]
                for first in range(0, len(mine), _AT_ONCE):
                    yield RereadJob(arm, fresh, tuple(mine[first : first + _AT_ONCE]))
