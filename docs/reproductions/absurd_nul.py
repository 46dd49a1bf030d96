r"""A step of absurd that returns a text with a NUL cannot be kept, and is run again with each attempt of its task.

    ABSURD_SQL=absurd.sql python absurd_nul.py postgresql://postgres@localhost/postgres

ABSURD_SQL names sql/absurd.sql of a release. Ends with status 1 where the step ran more than once, else with 0.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from absurd_sdk import Absurd

MOST = 4


def main() -> int:
    """Runs a task of one step, as often as it may be tried."""
    dsn = sys.argv[1]
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(Path(os.environ["ABSURD_SQL"]).read_text(encoding="utf-8").encode())
    charges: list[str] = []
    app: Any = Absurd(dsn, queue_name="texts")

    def charge() -> str:
        charges.append("charged")
        return "from a form: \x00"

    def task(_: object, context: Any) -> None:
        context.step("charge", charge)

    app.register_task("texts")(task)
    app.create_queue()
    app.spawn("texts", {}, max_attempts=MOST, retry_strategy={"kind": "none"})
    for _ in range(MOST):
        app.work_batch()
    app.close()
    print(f"charged {len(charges)} times")
    return int(len(charges) > 1)


if __name__ == "__main__":
    sys.exit(main())
