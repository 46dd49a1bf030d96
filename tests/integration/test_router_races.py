"""Starts whose session is cut and whose process is stopped, retried by other routers: one engine, each effect once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from routed import Attempt, Ledger, Process, ask

from cutover.engines.api import (
    EngineContext,
    ExecutionRequest,
    ExecutionRow,
    Journal,
    Signal,
)
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution
from cutover.engines.registry import resolve
from cutover.harness.run.world.clock import EPOCH, VirtualClock


class Routers:
    """Processes over one database, their ledger and clock."""

    def __init__(self, dsn: str, stack: ExitStack) -> None:
        self.dsn = dsn
        self.ledger = Ledger()
        self.clock = VirtualClock()
        self._stack = stack

    def process(self, name: str) -> Process:
        process = Process(name, self.dsn, self.ledger, self.clock)
        self._stack.callback(process.router.close)
        process.router.install()
        return process

    def once(self, execution_id: UUID) -> None:
        assert dict(self.ledger.effects[execution_id]) == {"charge": 1, "ship": 1}
        assert len(self.ledger.roles[execution_id]) == 1


@pytest.fixture
def routers(dsn: str) -> Iterator[Routers]:
    with ExitStack() as stack:
        yield Routers(dsn, stack)


def test_a_start_decided_for_v1_before_its_session_was_cut_is_refused_when_v2_has_begun(routers: Routers) -> None:
    """The race: decided for V1, cut, stopped; another router decides for V2 and is at work; the first goes on."""
    slow, other = routers.process("slow"), routers.process("other")
    asked = ask()
    first = Attempt(slow, asked, percent=0, point="flag")
    slow.cut()
    second = Attempt(other, asked, percent=100, point="activity")
    assert second.halt.reached.is_set()
    refused = first.end()
    assert isinstance(refused, EngineError)
    assert "so none was asked" in str(refused)
    assert isinstance(Attempt(slow, asked, percent=0).end(), ExecutionHeld)
    assert second.end() is None
    assert routers.ledger.roles[asked.execution_id] == {"candidate"}
    routers.once(asked.execution_id)


def test_a_start_that_is_pinned_stays_so_whoever_comes_first_to_the_engine(routers: Routers) -> None:
    """Stopped between the pin and the engine, its session cut: the other router starts it where it is pinned."""
    slow, other = routers.process("slow"), routers.process("other")
    asked = ask()
    first = Attempt(slow, asked, percent=0, point="decided")
    slow.cut()
    second = Attempt(other, asked, percent=100, point="activity")
    assert second.halt.reached.is_set()
    assert isinstance(first.end(), ExecutionHeld)
    assert second.end() is None
    assert routers.ledger.roles[asked.execution_id] == {"control"}
    routers.once(asked.execution_id)


def test_a_start_that_comes_again_while_v1_drives_is_refused_also_without_the_routers_session(routers: Routers) -> None:
    slow, other = routers.process("slow"), routers.process("other")
    asked = ask()
    first = Attempt(slow, asked, percent=0, point="activity")
    slow.cut()
    assert isinstance(Attempt(other, asked, percent=0).end(), ExecutionHeld)
    assert first.end() is None
    assert Attempt(other, asked, percent=100).end() is None
    routers.once(asked.execution_id)


@pytest.mark.parametrize("point", ["flag", "decided"])
def test_while_a_start_has_its_session_no_other_router_starts_the_execution(routers: Routers, point: str) -> None:
    slow, other = routers.process("slow"), routers.process("other")
    asked = ask()
    first = Attempt(slow, asked, percent=0, point=point)
    held = Attempt(other, asked, percent=100).end()
    assert isinstance(held, ExecutionHeld)
    assert "another router is starting" in str(held)
    assert "backend" in str(held)
    assert first.end() is None
    routers.once(asked.execution_id)


def test_v1_neither_starts_resumes_nor_cancels_what_v2_serves(routers: Routers) -> None:
    process = routers.process("one")
    asked = ask()
    begun = Attempt(process, asked, percent=100, point="activity")
    before = process.router.journal(asked.execution_id)
    context = EngineContext(dsn=routers.dsn, activities=process, clock=routers.clock, log=lambda _line: None)  # type: ignore[arg-type]
    legacy = resolve("v1")(context)
    uses: tuple[Callable[[], None], ...] = (
        lambda: legacy.execute(asked),
        lambda: legacy.resume(asked.execution_id),
        lambda: legacy.resume(asked.execution_id, Signal(id="1", name="go")),
        lambda: legacy.cancel(asked.execution_id),
    )
    for use in uses:
        with pytest.raises(EngineError, match=f"execution {asked.execution_id} is served by v2"):
            use()
    legacy.close()
    assert process.router.journal(asked.execution_id) == before
    assert begun.end() is None
    routers.once(asked.execution_id)


def test_what_v1_began_before_versions_were_noted_is_v1s(routers: Routers) -> None:
    process = routers.process("one")
    asked = ask()
    Attempt(process, asked, percent=0).end()
    with psycopg.connect(routers.dsn, autocommit=True) as connection:
        connection.execute("UPDATE workflow_executions SET metadata = '{}'")
    assert Attempt(process, asked, percent=100).end() is None
    process.router.cancel(asked.execution_id)
    assert process.router.journal(asked.execution_id).execution.status == "completed"


class Elsewhere:
    """An engine with no table that another engine knows, and no lease: it drives whatever it is given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started: list[UUID] = []

    def install(self) -> None: ...

    def execute(self, request: ExecutionRequest) -> None:
        self.started.append(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None: ...

    def cancel(self, execution_id: UUID) -> None: ...

    def journal(self, execution_id: UUID) -> Journal:
        if execution_id not in self.started:
            raise UnknownExecution(str(execution_id))
        row = ExecutionRow(
            id=execution_id, workflow_id="w", status="running", current_node_id=None, input="1", output=None,
            error=None, metadata={}, version=0, created_at=EPOCH, started_at=EPOCH, finished_at=None,
        )  # fmt: skip
        return Journal(execution=row)

    def close(self) -> None: ...


def foreign(routers: Routers, stack: ExitStack) -> tuple[Process, Process, dict[str, Elsewhere]]:
    engines = {spec: Elsewhere(f"their-{spec}") for spec in ("v1", "v2")}
    made = [Process(name, routers.dsn, routers.ledger, routers.clock, lambda spec, _: engines[spec]) for name in "ab"]
    for process in made:
        stack.callback(process.router.close)
        process.router.install()
    return made[0], made[1], engines


@pytest.mark.parametrize("point", ["flag", "decided"])
def test_engines_with_tables_of_their_own_are_kept_apart_too(routers: Routers, point: str) -> None:
    with ExitStack() as stack:
        slow, other, engines = foreign(routers, stack)
        asked = ask()
        first = Attempt(slow, asked, percent=0, point=point)
        slow.cut()
        assert Attempt(other, asked, percent=100).end() is None
        first.end()
        served = "v2" if point == "flag" else "v1"
        assert set(engines[served].started) == {asked.execution_id}
        assert [name for name, engine in engines.items() if engine.started] == [served]


def test_what_a_foreign_control_began_before_there_was_a_router_stays_there(routers: Routers) -> None:
    with ExitStack() as stack:
        process, _, engines = foreign(routers, stack)
        old, direct = ask(), ask()
        engines["v1"].execute(old)
        engines["v2"].execute(direct)
        assert Attempt(process, old, percent=100).end() is None
        assert engines["v2"].started == [direct.execution_id]
        assert process.router.journal(direct.execution_id).execution.id == direct.execution_id
        with pytest.raises(UnknownExecution):
            process.router.cancel(uuid4())


def play(routers: Routers, processes: list[Process], draw: random.Random) -> Counter[str]:
    """One execution: a start that is stopped and perhaps cut, retried by others that may be so too, all let go.

    Returns what happened how often.
    """
    told: Counter[str] = Counter(starts=1)
    asked = ask(UUID(int=draw.getrandbits(128)))
    attempts = []
    for process in draw.sample(processes, k=draw.randint(2, len(processes))):
        point = draw.choice(("flag", "decided", "activity", ""))
        attempt = Attempt(process, asked, percent=draw.choice((0, 100)), point=point)
        attempts.append(attempt)
        told[f"stopped at {point}"] += attempt.halt.reached.is_set()
        if draw.random() < 0.7:
            # An engine's own session is cut outside activities alone: V1 has no key that would make a redelivery safe.
            engines = point != "activity" and draw.random() < 0.5
            process.cut(engines=engines)
            told["engines cut" if engines else "router cut"] += 1
        if draw.random() < 0.3:
            routers.clock.advance(routers.clock.now() + timedelta(seconds=31))  # a stall longer than V2's lease
    draw.shuffle(attempts)
    told["refused"] += sum(attempt.end() is not None for attempt in attempts)
    routers.clock.advance(routers.clock.now() + timedelta(seconds=31))
    last = processes[0]
    for _ in range(3):  # a connection that was cut is noticed, and opened again
        if Attempt(last, asked, percent=draw.choice((0, 100))).end() is None:
            break
    assert last.router.journal(asked.execution_id).execution.status == "completed"
    return told


@pytest.mark.parametrize("starts", [25, pytest.param(1_000, marks=[pytest.mark.nightly, pytest.mark.timeout(3_600)])])
def test_no_start_is_on_two_engines_and_no_effect_is_double(routers: Routers, starts: int) -> None:
    draw = random.Random(f"starts {starts}")  # noqa: S311 - a seed, not a secret
    processes = [routers.process(name) for name in ("one", "two", "three")]
    told: Counter[str] = Counter()
    for _ in range(starts):
        told += play(routers, processes, draw)
    ledger = routers.ledger
    assert len(ledger.effects) == starts
    assert [each for each, roles in ledger.roles.items() if len(roles) > 1] == []
    assert [each for each, effects in ledger.effects.items() if effects != {"charge": 1, "ship": 1}] == []
    assert {role for roles in ledger.roles.values() for role in roles} == {"control", "candidate"}
    points = ("stopped at flag", "stopped at decided", "stopped at activity")
    assert min(told[each] for each in (*points, "router cut", "engines cut", "refused")) > 0
