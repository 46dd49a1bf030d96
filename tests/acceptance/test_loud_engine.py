"""An engine that prints by every means there is, from its import to the end of Python: stdout is data alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cutover.harness.run.postgres.server import Server

COMMAND = (sys.executable, "-c", "from cutover.harness.cli.main import main; main()")
LOUD = """
import atexit, ctypes, os, subprocess, sys
from cutover.engines.registry import resolve

def loud(where):
    print("LOUD print", where)
    sys.__stdout__.write(f"LOUD dunder {where}\\n")
    sys.__stdout__.flush()
    os.write(1, f"LOUD os {where}\\n".encode())
    subprocess.run(["echo", "LOUD echo", where], check=True)
    libc = ctypes.CDLL(None)
    libc.puts(f"LOUD c {where}".encode())
    libc.fflush(None)

loud("import")
atexit.register(loud, "exit")

class Loud:
    name = "loud"
    def __init__(self, context):
        loud("init")
        self._engine = resolve("v2")(context)
    def __getattr__(self, name):
        return getattr(self._engine, name)
    def install(self):
        loud("install")
        self._engine.install()
    def execute(self, request):
        loud("execute")
        self._engine.execute(request)
    def close(self):
        loud("close")
        self._engine.close()
"""


def test_what_an_engine_prints_is_not_among_the_data(server: Server, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    arguments = ("crash", "--engine", "loud:Loud", "--only", "01-one-activity", "--limit", "2", "--workers", "1")
    done = subprocess.run(
        [*COMMAND, *arguments, "--json", "--out", "out", "--postgres", server.dsn],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "PASS"
    for means in ("print", "dunder", "os", "echo", "c"):
        for where in ("import", "init", "install", "execute", "close", "exit"):
            assert f"LOUD {means} {where}" in done.stderr
