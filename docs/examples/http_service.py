"""The example engine as a service: `python http_service.py` answers Cutover by HTTP, as docs/http.md has it.

The engine is that of psycopg_engine.py; all that is here is what stands between it and Cutover. Nothing is kept between
requests, so any number of them may be under way, for any database.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import UUID

from cutover.engines import api
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode, encode
from psycopg_engine import ExampleEngine
from pydantic import TypeAdapter

STATUS = {
    "UnknownExecution": 404,
    "ExecutionHeld": 409,
    "LeaseLost": 409,
    "PayloadRefused": 422,
    "WorkflowRefused": 422,
}
WORKFLOW = TypeAdapter(api.Workflow)


class Outside:  # activities, clock and log of the engine, all of them at Cutover
    def __init__(self, url: str, now: str) -> None:
        self.url, self.time = url, datetime.fromisoformat(now)

    def call(self, call: api.ActivityCall) -> api.ActivityResult:
        headers = {
            "X-Execution-Id": str(call.execution_id),
            "X-Step-Id": quote(call.step_id),
            "X-Attempt": str(call.attempt),
            "Idempotency-Key": quote(str(call.idempotency_key), safe=":"),
        }
        try:
            with self.post(f"activities/{quote(call.activity, safe='')}", encode(call.input), headers) as answer:
                self.time = datetime.fromisoformat(answer.headers["X-Now"])
                output = decode(answer.read().decode())
                return api.ActivityResult(output=output, ports=tuple(json.loads(answer.headers["X-Ports"])))
        except HTTPError as error:
            if "X-Now" not in error.headers:  # 409: whatever this was, it is over
                raise
            self.time = datetime.fromisoformat(error.headers["X-Now"])
            told = json.loads(error.read())
            raise ActivityError(told["message"], retryable=told["retryable"]) from error

    def now(self) -> datetime:
        return self.time

    def sleep_until(self, deadline: datetime) -> None:
        if deadline > self.time:
            with self.post("sleep", json.dumps({"until": deadline.isoformat()})) as answer:
                self.time = datetime.fromisoformat(json.load(answer)["now"])

    def log(self, line: str) -> None:
        self.post("log", json.dumps({"line": line})).close()

    def post(self, path: str, body: str, headers: dict[str, str] | None = None) -> Any:
        return urlopen(Request(f"{self.url}/{path}", body.encode(), headers or {}))  # noqa: S310 - the URL is Cutover's


def carry_out(order: dict[str, Any]) -> api.Journal | None:
    """Does one command, on an engine of its own."""
    command = order["command"]
    outside = Outside(order["outside"], command["now"])
    engine = ExampleEngine(api.EngineContext(dsn=order["dsn"], activities=outside, clock=outside, log=outside.log))
    try:
        match command:
            case {"op": "install"}:
                engine.install()
            case {"op": "execute", "execution_id": key, "workflow": workflow, "input": given, "metadata": metadata}:
                flow = WORKFLOW.validate_python(workflow)
                engine.execute(
                    api.ExecutionRequest(execution_id=UUID(key), workflow=flow, input=decode(given), metadata=metadata)
                )
            case {"op": "resume", "execution_id": key, "signal": None}:
                engine.resume(UUID(key))
            case {"op": "resume", "execution_id": key, "signal": {"id": number, "name": name, "payload": payload}}:
                engine.resume(UUID(key), api.Signal(id=number, name=name, payload=decode(payload)))
            case {"op": "cancel", "execution_id": key}:
                engine.cancel(UUID(key))
            case {"op": "journal", "execution_id": key}:
                return engine.journal(UUID(key))
    finally:
        engine.close()
    return None


def unfolded(found: dict[str, Any]) -> dict[str, Any]:
    """An object of a request; the values of a condition's cases came as JSON texts."""
    for case in found["cases"] if found.get("kind") == "condition" else ():
        case["value"] = decode(case["value"])
    return found


class Handler(BaseHTTPRequestHandler):
    wbufsize = -1  # head and body go out together

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])), object_hook=unfolded)
        if self.path == "/hello":
            offered = [
                each.name
                for each in fields(api.Capabilities)
                if ExampleEngine.capabilities.get(each.name, each.default)
            ]
            self.send(200, {"protocol": 1, "name": f"{ExampleEngine.name}-http", "capabilities": offered})
            return
        try:
            self.send(200, carry_out(body))
        except Exception as error:  # noqa: BLE001 - whatever it raises is told
            kind = type(error).__name__
            told = {"type": kind, "message": str(error), "sqlstate": getattr(error, "sqlstate", None)}
            self.send(STATUS.get(kind, 500), told)

    def send(self, status: int, body: Any) -> None:
        text = b"" if body is None else json.dumps(body, default=plain).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def plain(value: Any) -> Any:
    """What JSON has for a row, an id or a time."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return dict(value) if isinstance(value, dict) else str(value)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
