"""A step of DBOS that may be tried three times is tried three times again after its process died.

    python dbos_retries_begin_anew.py postgresql://postgres@localhost/postgres

Ends with status 1 where more attempts were made than the step allows, 0 otherwise.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from dbos import DBOS, SetWorkflowID

MOST = 3


def run(dsn: str, attempts: Path, *, die: bool) -> None:
    """Starts the workflow in a process that dies in its last attempt, or recovers it."""

    def charge() -> None:
        with attempts.open("a", encoding="ascii") as file:
            file.write("tried\n")
        if die and len(attempts.read_text("ascii").split()) == MOST:
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("the bank does not answer")

    step = DBOS.step(name="charge", retries_allowed=True, max_attempts=MOST, interval_seconds=0.01)(charge)

    def order() -> None:
        step()

    workflow = DBOS.workflow(name="order")(order)
    DBOS(
        config={
            "name": "shop", "system_database_url": dsn, "executor_id": "one", "application_version": "1",
            "log_level": "CRITICAL",
        }
    )  # fmt: skip
    DBOS.launch()  # which recovers what executor "one" had left
    try:
        if die:
            with SetWorkflowID("order-4"):
                workflow()
        else:
            DBOS.retrieve_workflow("order-4").get_result()
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0])
    DBOS.destroy()


def main() -> int:
    """Runs a process that dies, and one that recovers its workflow."""
    dsn = sys.argv[1]
    if len(sys.argv) == 4:
        run(dsn, Path(sys.argv[2]), die=sys.argv[3] == "die")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        attempts = Path(folder, "attempts")
        for what in ("die", "recover"):
            subprocess.run([sys.executable, __file__, dsn, attempts, what], check=False)
        count = len(attempts.read_text("ascii").split())
    print(f"{count} attempts, where {MOST} are allowed")
    return int(count > MOST)


if __name__ == "__main__":
    sys.exit(main())
