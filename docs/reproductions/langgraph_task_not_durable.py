"""LangGraph's functional API hands a task's result on before it is durable, with durability="sync" too.

A process that dies in the second task has, in half of all random kills, lost the first, whose result the second had
used. Here the saver takes 0.3 s for a write, as a slow network does, so that it happens each time.

    python langgraph_task_not_durable.py postgresql://postgres@localhost/postgres

Ends with status 1 where the first task's effect was made twice, 0 where it was made once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.func import entrypoint, task

THREAD: Any = {"configurable": {"thread_id": "order-1"}}


class SlowSaver(PostgresSaver):  # type: ignore[misc]  # it ships no types that mypy reads here
    """The saver behind a slow network."""

    def put_writes(self, *given: Any) -> None:
        """Commits a little later."""
        time.sleep(0.3)
        super().put_writes(*given)


def run(dsn: str, effects: Path, *, die: bool) -> None:
    """Runs, or goes on with, the thread."""

    def charge() -> str:
        with effects.open("a", encoding="ascii") as file:
            file.write("charged\n")
        return "receipt"

    def ship(receipt: str) -> str:
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"shipped with {receipt}"

    with SlowSaver.from_conn_string(dsn) as saver:
        saver.setup()

        def order(_: str) -> str:
            return str(task(ship)(task(charge)().result()).result())

        entrypoint(checkpointer=saver)(order).invoke("go" if die else None, THREAD, durability="sync")


def main() -> int:
    """Runs a worker that dies as it ships, then one that goes on."""
    dsn = sys.argv[1]
    if len(sys.argv) == 4:
        run(dsn, Path(sys.argv[2]), die=sys.argv[3] == "die")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        effects = Path(folder, "effects")
        for what in ("die", "go-on"):
            subprocess.run([sys.executable, __file__, dsn, effects, what], check=False)
        count = len(effects.read_text("ascii").split())
    print(f"charged {count} times")
    return int(count > 1)


if __name__ == "__main__":
    sys.exit(main())
