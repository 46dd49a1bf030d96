"""absurd keeps what a step returned in jsonb, which turns -0.0 and 1e22 into other numbers once the task is resumed.

    ABSURD_SQL=absurd.sql python absurd_numbers.py postgresql://postgres@localhost/postgres

ABSURD_SQL names sql/absurd.sql of a release. Ends with status 1 where a number came back as another, else with 0.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from absurd_sdk import Absurd

NUMBERS = [-0.0, 1e22, 0.1]


def main() -> int:
    """Runs a task that fails after its step, so that its second run reads what the step has returned."""
    dsn = sys.argv[1]
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(Path(os.environ["ABSURD_SQL"]).read_text(encoding="utf-8").encode())
    seen: list[list[float]] = []
    app: Any = Absurd(dsn, queue_name="numbers")

    def task(_: object, context: Any) -> None:
        seen.append(context.step("numbers", lambda: NUMBERS))
        if len(seen) == 1:
            raise RuntimeError("the worker comes to nothing")

    app.register_task("numbers")(task)
    app.create_queue()
    app.spawn("numbers", {}, max_attempts=2, retry_strategy={"kind": "none"})
    app.work_batch()
    app.work_batch()
    app.close()
    first, second = seen
    print(f"{first} came back as {second}")
    return int(repr(first) != repr(second))


if __name__ == "__main__":
    sys.exit(main())
