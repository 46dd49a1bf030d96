"""A process that plays crash cases one after another: small, so that forking a host from it is cheap. Does I/O.

Started as `python -m harness.run.runner FD` with one end of a socket; it reads a line of configuration, then a job a
line, and answers each with a line. Its standard output goes to standard error, so that an engine's prints harm nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import traceback
import uuid

from engines.registry import resolve
from harness.judge.cases import Case
from harness.run.case import CaseRun
from harness.run.case_lines import encode_baseline, encode_case
from harness.run.stage import Stage
from scenarios.files import loads
from scenarios.model import Scenario

__all__ = ["main", "serve"]

_PR_SET_PDEATHSIG = 1


def serve(link: socket.socket) -> None:
    """Plays jobs until the other end closes."""
    with link.makefile("rwb") as lines:
        settings = json.loads(lines.readline())

        def restart() -> None:
            lines.write(b'{"restart": true}\n')
            lines.flush()
            lines.readline()

        stage = Stage(
            resolve(settings["engine"]),
            settings["dsn"],
            deadline_s=settings["deadline_s"],
            takeover_s=settings["takeover_s"],
            restart=restart,
        )
        scenarios: dict[str, Scenario] = {}
        with stage:
            gc.freeze()  # what is here now stays: to look at it again would copy it after every fork
            for line in lines:
                job = json.loads(line)
                if "scenario" in job:
                    scenario = loads(job["scenario"], job["id"])
                    scenarios[scenario.id] = scenario
                lines.write(_play(stage, scenarios[job["id"]], job) + b"\n")
                lines.flush()


def _play(stage: Stage, scenario: Scenario, job: dict[str, str]) -> bytes:
    execution_id = uuid.UUID(job["execution_id"])
    try:
        if "case" in job:
            return encode_case(CaseRun(stage, scenario, Case.parse(job["case"]), execution_id).run())
        return encode_baseline(scenario.id, *CaseRun(stage, scenario, None, execution_id).baseline())
    except Exception as error:  # noqa: BLE001 - the parent says which job it was
        trace = traceback.format_exc(limit=-6)
        return json.dumps({"error": f"{type(error).__name__}: {error}", "trace": trace}).encode("ascii")


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows gives everything back, and must not be cut short
    sys.exit(0)


def main() -> None:
    """The process's entry point; SIGTERM, which also says that the parent has died, ends it with all that it began."""
    link = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGTERM, _end)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    sys.path.insert(0, "")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        serve(link)


if __name__ == "__main__":
    main()
