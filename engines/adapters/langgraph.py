"""LangGraph's functional API with its Postgres saver, on the kit: each attempt is a task. Does I/O, by LangGraph.

A thread of LangGraph is an execution; a wait is an `interrupt`, which the next command answers. Durability is `sync`,
the strongest that there is. LangGraph has neither a lease nor a way to cancel a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.func import entrypoint, task
from langgraph.types import Command, interrupt
from psycopg.rows import dict_row

from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, UnknownExecution

__all__ = ["LangGraphEngine"]


class LangGraphEngine:
    """The engine; `cutover.engines.api.Engine` says what its methods are for."""

    name = f"langgraph-{version('langgraph')}"
    capabilities = kit.WITHOUT_HISTORY | {"cancel": False, "lease": False}

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def install(self) -> None:
        self._saver.setup()

    def execute(self, request: ExecutionRequest) -> None:
        text = kit.request_text(request)
        if self._saver.get_tuple(_thread(request.execution_id)) is not None:
            self.resume(request.execution_id)
        else:
            self._invoke(request.execution_id, {"id": str(request.execution_id), "request": text})
            self._times_up(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        kit.check_signal(signal)
        if self._asked(execution_id) is None and self._state(execution_id).next:
            self._invoke(execution_id, None)
        if signal is not None and (asked := self._asked(execution_id)) is not None:
            self._answer(execution_id, asked, kit.signal_message(signal))
        self._times_up(execution_id)

    def cancel(self, execution_id: UUID) -> None:
        if self.journal(execution_id).execution.status == "running":
            raise EngineError(f"LangGraph has no way to cancel thread {execution_id}")

    def journal(self, execution_id: UUID) -> Journal:
        kept, state = self._kept(execution_id), self._state(execution_id)
        stored = kit.StoredRequest.of(execution_id, str(kept["request"]))
        ended = not state.next and isinstance(state.values, dict) and "status" in state.values
        return kit.journal_of(stored, kept, status=state.values["status"] if ended else "running")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def _saver(self) -> PostgresSaver:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._context.dsn, autocommit=True, row_factory=dict_row)
        return PostgresSaver(self._connection)

    @property
    def _graph(self) -> Any:
        def run(given: dict[str, str]) -> dict[str, Any]:
            execution_id = UUID(given["id"])
            walk = kit.new_walk(kit.StoredRequest.of(execution_id, given["request"]))
            primitives = kit.Primitives(_step, _receive, self._context.clock)
            kit.drive(walk, execution_id, primitives, self._context.activities, self._context.clock)
            return {"status": walk.status}

        return entrypoint(checkpointer=self._saver)(run)

    def _invoke(self, execution_id: UUID, given: Any) -> None:
        self._graph.invoke(given, _thread(execution_id), durability="sync")

    def _answer(self, execution_id: UUID, asked: Any, message: JsonValue) -> None:
        self._invoke(execution_id, Command(resume={"name": asked["name"], "kept": message}))

    def _times_up(self, execution_id: UUID) -> None:
        while (asked := self._asked(execution_id)) is not None and asked["deadline"] is not None:
            now = self._context.clock.now()
            if datetime.fromisoformat(asked["deadline"]) > now:
                return
            self._answer(execution_id, asked, kit.time_message(now))

    def _asked(self, execution_id: UUID) -> Any:
        """Returns the interrupt that nobody has answered; an answered one stays in the state until its task ends."""
        kept = self._kept(execution_id)
        asked = (each.value for task in self._state(execution_id).tasks for each in task.interrupts)
        return next((value for value in asked if value["name"] not in kept), None)

    def _state(self, execution_id: UUID) -> Any:
        return self._graph.get_state(_thread(execution_id))

    def _kept(self, execution_id: UUID) -> dict[str, JsonValue]:
        """Returns the request, and every result and message by its name. Raises UnknownExecution."""
        kept: dict[str, JsonValue] = {}
        for saved in self._saver.list(_thread(execution_id)):
            if (start := saved.checkpoint["channel_values"].get("__start__")) is not None:
                kept["request"] = start["request"]
            for _, channel, value in saved.pending_writes or ():
                for each in value if channel == "__resume__" and isinstance(value, list) else [value]:
                    if channel in {"__return__", "__resume__"} and isinstance(each, dict) and "kept" in each:
                        kept[each["name"]] = each["kept"]
        if not kept:
            raise UnknownExecution(f"LangGraph has no thread {execution_id}; start it with execute()")
        return kept


def _step(name: str, work: Callable[[], JsonValue]) -> JsonValue:
    def cutover_step() -> dict[str, JsonValue]:
        return {"name": name, "kept": work()}

    kept: JsonValue = task(cutover_step)().result()["kept"]
    return kept


def _receive(name: str, deadline: datetime | None) -> JsonValue:
    kept: JsonValue = interrupt({"name": name, "deadline": deadline and deadline.isoformat()})["kept"]
    return kept


def _thread(execution_id: UUID) -> Any:
    return {"configurable": {"thread_id": str(execution_id)}}
