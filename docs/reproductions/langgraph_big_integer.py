"""A task of LangGraph that returns an integer beyond 64 bits has its effect, and then its caller gets a TypeError.

The saver's codec has no such integers and says so in the background, when the entrypoint has ended already: the call
raises, and the thread counts as completed.

    python langgraph_big_integer.py postgresql://postgres@localhost/postgres

Ends with status 1 where the call raised though the thread is completed, 0 where both say the same.
"""

from __future__ import annotations

import sys
from typing import Any

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.func import entrypoint, task

THREAD: Any = {"configurable": {"thread_id": "order-5"}}


def main() -> int:
    """Runs the thread, and asks whether anything is left of it."""
    charges: list[str] = []
    raised = False

    def charge() -> int:
        charges.append("charged")
        return 2**70

    def order(_: str) -> str:
        return str(task(charge)().result())

    with PostgresSaver.from_conn_string(sys.argv[1]) as saver:
        saver.setup()
        flow: Any = entrypoint(checkpointer=saver)(order)
        try:
            flow.invoke("go", THREAD, durability="sync")
        except TypeError as error:
            raised = True
            print(f"TypeError: {error}")
        state = flow.get_state(THREAD)
    print(f"charged {len(charges)} times; left to do: {list(state.next)}")
    return int(raised and not state.next)


if __name__ == "__main__":
    sys.exit(main())
