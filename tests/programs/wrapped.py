"""An engine of the contract behind the protocol: `python wrapped.py SPEC`. What an engine in any language has to do."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from cutover.engines.api import ActivityCall, ActivityResult, Engine, EngineContext, ExecutionRequest, Signal, Workflow
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode, encode
from cutover.engines.registry import resolve


class Outside:
    """Activities, clock and log of the engine, all on the other side of the line."""

    def __init__(self) -> None:
        self.time, self.asked = datetime.min.replace(tzinfo=UTC), 0

    def receive(self) -> dict[str, Any]:
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        message: dict[str, Any] = json.loads(line)
        self.time = datetime.fromisoformat(message["now"])
        return message

    def ask(self, op: str, **keys: Any) -> dict[str, Any]:
        self.asked += 1
        say(op=op, id=self.asked, **keys)
        return self.receive()

    def call(self, call: ActivityCall) -> ActivityResult:
        keys = asdict(call) | {"execution_id": str(call.execution_id), "input": encode(call.input)}
        answer = self.ask("call", **keys)
        if answer["error"] is not None:
            raise ActivityError(answer["error"]["message"], retryable=answer["error"]["retryable"])
        return ActivityResult(output=decode(answer["output"]), ports=tuple(answer["ports"]))

    def now(self) -> datetime:
        return self.time

    def sleep_until(self, deadline: datetime) -> None:
        if deadline > self.time:
            self.ask("sleep", until=deadline.isoformat())

    def log(self, line: str) -> None:
        say(op="log", line=line)


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message, default=plain) + "\n")
    if message["op"] != "log":  # which nobody waits for
        sys.stdout.flush()


def plain(value: Any) -> Any:
    """What JSON has for a row, an id or a time."""
    return {each.name: getattr(value, each.name) for each in fields(value)} if is_dataclass(value) else str(value)


def carry_out(engine: Engine, message: dict[str, Any]) -> Any:
    match message["op"]:
        case "install":
            engine.install()
        case "execute":
            for node in nodes(message["workflow"]):
                for case in node.get("cases", ()):
                    case["value"] = decode(case["value"])
            workflow = TypeAdapter(Workflow).validate_python(message["workflow"])
            key = UUID(message["execution_id"])
            given = decode(message["input"])
            engine.execute(
                ExecutionRequest(execution_id=key, workflow=workflow, input=given, metadata=message["metadata"])
            )
        case "resume":
            given = message["signal"]
            signal = given and Signal(id=given["id"], name=given["name"], payload=decode(given["payload"]))
            engine.resume(UUID(message["execution_id"]), signal)
        case "cancel":
            engine.cancel(UUID(message["execution_id"]))
        case "journal":
            return plain(engine.journal(UUID(message["execution_id"])))
    return None


def nodes(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    inner = (each for node in workflow["nodes"] if "body" in node for each in nodes(node["body"]))
    return [*workflow["nodes"], *inner]


def main(spec: str) -> None:
    outside = Outside()
    hello = outside.receive()
    context = EngineContext(dsn=hello["dsn"] or "", activities=outside, clock=outside, log=outside.log)
    engine = resolve(spec)(context)
    say(op="hello", protocol=1, name=engine.name)
    while True:
        message = outside.receive()
        error = result = None
        try:
            result = carry_out(engine, message)
        except Exception as raised:  # noqa: BLE001 - whatever it raises is told
            kind = type(raised).__name__
            state = getattr(raised, "sqlstate", None)
            error = {"type": kind, "message": str(raised), "sqlstate": state, "trace": traceback.format_exc()}
        say(op="done", id=message["id"], result=result, error=error)


if __name__ == "__main__":
    main(sys.argv[1])
