"""LangGraph's Postgres saver keeps numbers of the state in jsonb, which turns -0.0 and 1e22 into other numbers.

    python langgraph_numbers.py postgresql://postgres@localhost/postgres

Ends with status 1 where a number came back as another, 0 where all came back as they were.
"""

from __future__ import annotations

import sys
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph

NUMBERS = (-0.0, 1e22, 0.1)


class State(TypedDict):
    """The state: one number."""

    number: float


def main() -> int:
    """Writes each number in a node, and reads the thread's state with another saver."""
    changed = 0
    for place, number in enumerate(NUMBERS):
        thread: Any = {"configurable": {"thread_id": f"number-{place}"}}
        graph = StateGraph(State)
        graph.add_node("write", lambda _, number=number: {"number": number})
        graph.add_edge(START, "write")
        graph.add_edge("write", END)
        with PostgresSaver.from_conn_string(sys.argv[1]) as saver:
            saver.setup()
            graph.compile(checkpointer=saver).invoke({"number": 1.5}, thread, durability="sync")
        with PostgresSaver.from_conn_string(sys.argv[1]) as saver:
            back = graph.compile(checkpointer=saver).get_state(thread).values["number"]
        print(f"{number!r} came back as {back!r}")
        changed += repr(back) != repr(number)
    return int(changed > 0)


if __name__ == "__main__":
    sys.exit(main())
