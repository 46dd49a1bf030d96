"""An engine that breaks the protocol in one way: `python broken.py WAY`. Without a way it keeps to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

WAY = sys.argv[1] if len(sys.argv) > 1 else ""
CALL = {
    "op": "call",
    "id": 7,
    "execution_id": "00000000-0000-4000-8000-000000000001",
    "step_id": "pay",
    "activity": "charge",
    "attempt": 1,
    "input": '{"big":12345678901234567890}',
    "idempotency_key": "k",
}

JOURNAL = {
    "execution": {
        "id": CALL["execution_id"],
        "workflow_id": "w",
        "status": "running",
        "input": "1",
        "created_at": "2026-01-01T00:00:00Z",
    }
}


def say(**message: Any) -> None:
    raw(json.dumps(message).encode() + b"\n")


def together(*messages: dict[str, Any]) -> None:
    """Says them in one go, so that whoever reads the first has the second."""
    raw(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


def raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def hear() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        if WAY == "ignores the end":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        sys.exit(0)
    message: dict[str, Any] = json.loads(line)
    return message


def greet() -> None:
    match WAY:
        case "exits at once":
            sys.stderr.write("no \x1b[31mlicence\n")
            sys.exit(3)
        case "never answers":
            time.sleep(600)
        case "logs before its hello":
            while True:
                say(op="log", line="not yet")
                time.sleep(0.05)
        case "leaves its output to a child":
            subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
            sys.exit(3)
        case "noise":
            raw(b"Listening on port 3000\n")
        case "another version":
            say(op="hello", protocol=2, name="broken")
        case "no name":
            say(op="hello", protocol=1)
        case "not a hello":
            say(op="done", id=0)
        case _:
            say(op="hello", protocol=1, name="broken", capabilities=["cancel"])


def answer(message: dict[str, Any]) -> None:  # noqa: C901, PLR0912, PLR0915 - one branch a way
    match WAY:
        case "answers twice":
            together({"op": "done", "id": message["id"]}, {"op": "done", "id": message["id"]})
        case "answers another":
            say(op="done", id=message["id"] + 1)
        case "dies in a line":
            raw(b'{"op": "done", "i')
            os._exit(0)
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "100 MB":
            for _ in range(100):
                raw(b"x" * 1024 * 1024)
        case "says nothing":
            time.sleep(600)
        case "only logs":
            while True:
                say(op="log", line="still at it")
                time.sleep(0.05)
        case "leaves a daemon":
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    say(op="log", line=str(os.getpid()))
                    say(op="done", id=message["id"])
                    time.sleep(600)
                os._exit(0)
        case "unknown key":
            say(op="done", id=message["id"], resultt=None)
        case "not json inside":
            say(**CALL | {"input": "{"})
        case "a call too many":
            together({"op": "done", "id": message["id"]}, CALL)
        case "calls":
            say(**CALL)
            say(op="sleep", id=8, until="2026-01-01T00:00:05Z")
            told = [hear(), hear()]
            say(op="log", line=json.dumps(told))
            say(op="done", id=message["id"])
        case "an open id":
            together(CALL, {"op": "sleep", "id": 7, "until": "2026-01-01T00:00:05Z"})
            say(op="done", id=message["id"])
        case "two at once":
            together(CALL, CALL | {"id": 8}, {"op": "log", "line": "both"})
            say(op="log", line=json.dumps([hear()["id"], hear()["id"]]))
            together(CALL, {"op": "done", "id": message["id"]})
            hear()
        case "a result":
            say(op="done", id=message["id"], result=JOURNAL)
        case "half a key":
            say(**CALL | {"idempotency_key": "\ud800"})
        case "fails":
            fault = {"type": "TypeError", "message": "x is undefined", "sqlstate": "53100", "trace": "at line 3"}
            say(op="done", id=message["id"], error=fault)
        case "held":
            say(op="done", id=message["id"], error={"type": "ExecutionHeld", "message": "by another"})
        case "chatters":
            for number in range(20_000):
                sys.stderr.write(f"line {number} \x1b[2J ##[group] {'z' * 40}\n")
            say(op="done", id=message["id"])
        case "leaves a child":
            child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
            say(op="log", line=str(child.pid))
            say(op="done", id=message["id"])
        case _:
            say(op="done", id=message["id"])


hear()
greet()
while True:
    answer(hear())
