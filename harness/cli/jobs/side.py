"""The parts of a run beside its trials and crash cases, played at the same time. Does I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from cutover.harness.cli.plan import RunPlan
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.kills import PlayedPart
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side.costs import measure_costs
from cutover.harness.run.side.measurements import route, weigh
from cutover.harness.run.side.playing import play_all
from cutover.harness.store.tables import Table
from cutover.scenarios.model import Scenario

__all__ = ["SIDE_PARTS", "SideParts", "SideRows"]

SIDE_PARTS: Final = (PlayedPart.ROUTING, PlayedPart.MEMORY, PlayedPart.PLAYS, PlayedPart.COSTS)
"""Those that count, and compare no durations: each on databases of its own, in processes that mostly wait."""

_Played: TypeAlias = tuple[Callable[[], None], str, str]
"""Hands on the rows of a part; what could not be done where there is a problem; and the problem, or ""."""


class SideRows(Protocol):
    """Takes in the rows of these parts."""

    def write_routing(self, rows: Iterable[Routed], /) -> None:
        """Takes in executions that the router has served."""

    def write_memory(self, rows: Iterable[Weighed], /) -> None:
        """Takes in engines that were weighed."""

    def write_lines(self, table: Table, lines: Iterable[bytes], /) -> None:
        """Takes in lines of a table that come encoded."""

    def write_costs(self, rows: Iterable[PlayCosts], /) -> None:
        """Takes in plays whose costs were counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideParts:
    """Plays these parts of one run; `tell` hears what could not be done, and why ("" where it could).

    `sources` and `pace` are those of `route`.
    """

    plan: RunPlan
    server: Server
    scenarios: Sequence[Scenario]
    rows: SideRows
    tell: Callable[[str, str], None]
    sources: Mapping[str, str] | None
    pace: float

    def play(self, parts: Sequence[PlayedPart]) -> None:
        """Plays them in a thread each; their rows are handed on in the order of the parts.

        What ends one of them ends all: nothing is left of any when this returns or raises.
        """
        measures = {
            PlayedPart.ROUTING: self._route,
            PlayedPart.MEMORY: self._weigh,
            PlayedPart.PLAYS: self._play,
            PlayedPart.COSTS: self._count,
        }
        stop = threading.Event()
        with ThreadPoolExecutor(max_workers=len(parts)) as threads:
            try:
                under_way = [threads.submit(measures[part], stop) for part in parts]
                ended, _ = wait(under_way, return_when=FIRST_EXCEPTION)
                for failed in (each for each in ended if each.exception() is not None):
                    failed.result()
                played = [each.result() for each in under_way]
            finally:
                stop.set()
        for hand_on, what, problem in played:
            hand_on()
            self.tell(what, problem)

    def _route(self, stop: threading.Event) -> _Played:
        plan = self.plan
        rows, problem = route(
            self.server,
            self.scenarios,
            control=plan.control,
            candidate=plan.candidate,
            seed=plan.seed,
            sources=self.sources,
            pace=self.pace,
            stop=stop,
        )
        return lambda: self.rows.write_routing(rows), "the router could not be tried", problem

    def _weigh(self, stop: threading.Event) -> _Played:
        plan = self.plan
        rows, problem = weigh(
            self.server,
            self.scenarios,
            control=plan.control,
            candidate=plan.candidate,
            sources=self.sources,
            pace=self.pace,
            stop=stop,
        )
        return lambda: self.rows.write_memory(rows), "memory could not be measured", problem

    def _play(self, stop: threading.Event) -> _Played:
        plan = self.plan
        with OutageProbe(self.server.dsn) as probe:
            lines, problem = play_all(
                self.server,
                control=plan.control,
                candidate=plan.candidate,
                seed=plan.seed,
                asked=plan.plays,
                takeover_s=plan.takeover_s,
                pace=self.pace,
                stop=stop,
            )
            probe.check()
        return lambda: self.rows.write_lines(Table.PLAYS, lines), "not everything was played", problem

    def _count(self, stop: threading.Event) -> _Played:
        plan = self.plan
        with OutageProbe(self.server.dsn) as probe:
            rows, problem = measure_costs(self.server, control=plan.control, candidate=plan.candidate, stop=stop)
            probe.check()
        return lambda: self.rows.write_costs(rows), "costs could not be counted", problem
