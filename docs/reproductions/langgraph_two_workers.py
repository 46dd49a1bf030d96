"""Two workers on one thread of LangGraph both run its nodes: nothing holds a thread for the one that is at it.

    python langgraph_two_workers.py postgresql://postgres@localhost/postgres

Ends with status 1 where the node ran twice at the same time, 0 where it ran once.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph

THREAD: Any = {"configurable": {"thread_id": "order-2"}}


class Order(TypedDict):
    """The state."""

    receipt: str


def main() -> int:
    """Begins a thread, and goes on with it in a second worker while the first is inside the node."""
    dsn = sys.argv[1]
    charges: list[str] = []
    inside, done = threading.Event(), threading.Event()

    def charge(_: Order) -> Order:
        charges.append("charged")
        first = len(charges) == 1
        inside.set()
        if first:
            done.wait(10)
        return {"receipt": "receipt"}

    def work(given: Any) -> None:
        with PostgresSaver.from_conn_string(dsn) as saver:
            saver.setup()
            graph = StateGraph(Order)
            graph.add_node("charge", charge)
            graph.add_edge(START, "charge")
            graph.add_edge("charge", END)
            graph.compile(checkpointer=saver).invoke(given, THREAD, durability="sync")

    first = threading.Thread(target=work, args=({"receipt": ""},))
    first.start()
    inside.wait(10)
    work(None)
    done.set()
    first.join()
    print(f"charged {len(charges)} times")
    return int(len(charges) > 1)


if __name__ == "__main__":
    sys.exit(main())
