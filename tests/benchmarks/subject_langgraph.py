"""LangGraph: a graph of ten nodes with the Postgres checkpointer and sync durability. Does I/O.

As https://docs.langchain.com/oss/python/langgraph shows under persistence and durable execution. Durability "sync"
writes each checkpoint before the next step starts; "async", the default, may lose the newest in a crash.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, TypedDict
from uuid import uuid4

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from subjects import INPUT, STEPS, Payload, Work

__all__ = ["RECORDED", "connect", "prepare"]

RECORDED = "SELECT count(*) FROM checkpoints WHERE (metadata ->> 'step')::integer >= 1"


class _State(TypedDict):
    payload: Payload


def prepare(dsn: str) -> None:
    """Creates the checkpointer's tables."""
    with PostgresSaver.from_conn_string(dsn) as saver:
        saver.setup()


class _Graph:
    """The compiled graph and its connection."""

    def __init__(self, dsn: str, work: Work) -> None:
        def node(state: _State) -> _State:
            return {"payload": work(state["payload"])}

        self._stack = ExitStack()
        saver = self._stack.enter_context(PostgresSaver.from_conn_string(dsn))
        names = [f"s{number:04}" for number in range(1, STEPS + 1)]
        builder = StateGraph(_State)
        for name in names:
            builder.add_node(name, node)
        for source, target in zip([START, *names], [*names, END], strict=True):
            builder.add_edge(source, target)
        self._graph = builder.compile(checkpointer=saver)

    def run(self) -> None:
        """One execution, a thread of its own in LangGraph's word."""
        config: Any = {"configurable": {"thread_id": str(uuid4())}}
        self._graph.invoke({"payload": dict(INPUT)}, config, durability="sync")

    def close(self) -> None:
        """Closes the connection."""
        self._stack.close()


def connect(dsn: str, number: int, work: Work) -> _Graph:  # noqa: ARG001 - threads have ids of their own
    """A graph with a connection of its own."""
    return _Graph(dsn, work)
