"""Plays command lines, each in a fork of one process that has imported the command: quick, and none harms another.

Reads one JSON object a line, `{"arguments", "seconds", "address_space"}`, and answers with one of `{"status", "out",
"err", "late", "memory"}`; the memory is the most that the fork held, in bytes. It imports nothing of the tests.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import IO


def main() -> None:
    """Serves until stdin ends."""
    from cutover.harness.cli import app, main  # noqa: PLC0415 - what every fork then has
    from cutover.harness.cli.jobs import crash, run  # noqa: PLC0415 - as above

    del app, main, crash, run
    for line in sys.stdin:
        print(json.dumps(_played(json.loads(line))), flush=True)  # noqa: T201 - its answer


def _played(asked: dict[str, object]) -> dict[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(asked, out, err)
        status, memory, late = _ended(child, float(str(asked["seconds"])))
        return {"status": status, "out": _text(out), "err": _text(err), "late": late, "memory": memory}


def _become(asked: dict[str, object], out: IO[bytes], err: IO[bytes]) -> None:
    os.setsid()
    most = int(str(asked["address_space"]))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (out.fileno(), 1), (err.fileno(), 2)):
        os.dup2(descriptor, target)
    arguments = asked["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["cutover", *(os.fsdecode(bytes.fromhex(each)) for each in arguments)]
    from cutover.harness.cli.main import main as command  # noqa: PLC0415 - imported before the fork

    status = 71
    try:
        command()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 71
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _ended(child: int, seconds: float) -> tuple[int, int, bool]:
    end = time.monotonic() + seconds
    late = False
    while True:
        pid, waited, usage = os.wait4(child, 0 if late else os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(waited), usage.ru_maxrss * 1024, late
        if time.monotonic() > end:
            late = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.002)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(1 << 20).decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path(__file__).parent]
    main()
