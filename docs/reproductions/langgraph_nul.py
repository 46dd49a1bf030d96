r"""A text with a NUL in LangGraph's state cannot be saved, and what comes after it runs again with each resume.

With durability="async", which is the default, the next node runs while the checkpoint before it is being refused.

    python langgraph_nul.py postgresql://postgres@localhost/postgres

Ends with status 1 where the node's effect was made more than once, 0 where it was made once.
"""

from __future__ import annotations

import sys
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph

THREAD: Any = {"configurable": {"thread_id": "order-3"}}


class Order(TypedDict):
    """The state."""

    note: str


def main() -> int:
    """Runs the thread, and resumes it twice."""
    charges: list[str] = []

    def read(_: Order) -> Order:
        return {"note": "from a form: \x00"}

    def charge(_: Order) -> Order:
        charges.append("charged")
        return {"note": "charged"}

    graph = StateGraph(Order)
    graph.add_node("read", read)
    graph.add_node("charge", charge)
    graph.add_edge(START, "read")
    graph.add_edge("read", "charge")
    graph.add_edge("charge", END)
    for given in ({"note": ""}, None, None):
        with PostgresSaver.from_conn_string(sys.argv[1]) as saver:
            saver.setup()
            try:
                graph.compile(checkpointer=saver).invoke(given, THREAD)
            except Exception as error:
                print(f"{type(error).__name__}: {error}".splitlines()[0])
    print(f"charged {len(charges)} times")
    return int(len(charges) > 1)


if __name__ == "__main__":
    sys.exit(main())
