"""An engine by HTTP: what is said goes over whole, and what is wrong with a service is one clear sentence."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import jsonschema
import pytest

from cutover.engines.api import (
    ActivityCall,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    Signal,
    StartNode,
    Workflow,
)
from cutover.engines.byprocess.engine import ForeignEngine, ForeignError
from cutover.engines.byprocess.factory import factory_of
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.http.orders import STATUSES, LogLine, ServiceOrder, SleepOver, SleepUntil
from cutover.engines.byprocess.messages import ActivityFault, EngineFault
from cutover.engines.byprocess.settings import engine_settings
from cutover.engines.byprocess.wire import json_schema
from cutover.engines.errors import ActivityError, ExecutionHeld
from cutover.engines.registry import BrokenEngine, describe
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.world.clock import EPOCH, VirtualClock

PAGE: Final = (Path(__file__).parents[2] / "docs/http.md").read_text("utf-8")
KEY: Final = UUID("00000000-0000-4000-8000-000000000001")
HELLO: Final = {"protocol": 1, "name": "served", "capabilities": ["cancel"]}
CALL: Final = {
    "X-Execution-Id": str(KEY),
    "X-Step-Id": "each%5B0%5D/p%C3%A4y",
    "X-Attempt": "2",
    "Idempotency-Key": "k:%41",
}


class Outside:
    """Answers every call, and keeps what it was asked and told."""

    def __init__(self) -> None:
        self.calls: list[ActivityCall] = []
        self.threads: set[int] = set()
        self.lines: list[str] = []
        self.raises: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        self.threads.add(threading.get_ident())
        self.meanwhile()
        if self.raises is not None:
            raise self.raises
        return ActivityResult(output={"zero": -0.0, "text": "\ud800\0"}, ports=("out", "é"))


class Quiet(ThreadingHTTPServer):
    """Says nothing of who has gone away in the middle."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Service:
    """A service in a thread; `answers` says what it does at a path, given the body of the request."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Any], tuple[Any, ...]]] = {}
        self.asked: list[tuple[str, Any]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.path, body))
                default = HELLO if self.path == "/hello" else None
                status, text, *kind = service.answers.get(self.path, lambda _body: (200, default))(body)
                if status is None:
                    return
                raw = text if isinstance(text, bytes) else b"" if text is None else json.dumps(text).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind[0] if kind else "application/json")
                self.send_header("Location", "http://elsewhere/")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def served(service: Service, outside: Outside) -> tuple[Service, Outside]:
    return service, outside


@contextmanager
def made(url: str, outside: Outside, answer_s: float = 20.0, ready_s: float = 10.0) -> Iterator[ForeignEngine]:
    settings = engine_settings(url)
    assert settings is not None
    context = EngineContext(dsn="", activities=outside, clock=VirtualClock(), log=outside.lines.append)
    engine = factory_of(replace(settings, answer_timeout_s=answer_s, ready_timeout_s=ready_s))(context)
    try:
        yield engine
    finally:
        engine.close()


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    connection.request("POST", parts.path, body, dict(headers))
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_its_name_and_what_it_offers_come_from_its_hello(service: Service) -> None:
    assert describe(service.url)[0] == "served"
    path, hello = service.asked[0]
    assert (path, hello["protocol"], hello["dsn"]) == ("/hello", 1, None)


def test_what_is_posted_is_as_the_published_schema_says(service: Service, outside: Outside) -> None:
    flow = Workflow(id="w", nodes=(StartNode(id="start"),))
    with made(service.url, outside) as engine:
        engine.install()
        engine.execute(ExecutionRequest(execution_id=KEY, workflow=flow, input="\ud800", metadata={"a": "b"}))
        engine.resume(KEY, Signal(id="s", name="go", payload=[1]))
        engine.cancel(KEY)
    definitions = json_schema()["$defs"]
    for path, body in service.asked:
        name = "HelloMessage" if path == "/hello" else "ServiceOrder"
        jsonschema.validate(body, {"$ref": f"#/$defs/{name}", "$defs": definitions})
        assert path == f"/{body.get('command', body)['op']}"
    assert len(service.asked) == 5


def test_the_page_has_every_body_status_and_header() -> None:
    for kind in (ServiceOrder, SleepUntil, SleepOver, LogLine, ActivityFault, EngineFault):
        assert f"`{kind.__name__}`" in PAGE
        assert all(f"`{each.name}`" in PAGE for each in fields(kind)), kind
    told = dict(re.findall(r"^\| (\d+) \| (`.*) \|$", PAGE, flags=re.MULTILINE))
    assert {name: int(status) for status, names in told.items() for name in re.findall(r"`(\w+)`", names)} == STATUSES
    for header in (*CALL, "X-Ports", "X-Now"):
        assert f"`{header}`" in PAGE


def test_a_call_goes_over_as_it_is_in_the_thread_of_the_command(service: Service, outside: Outside) -> None:
    seen: list[Any] = []

    def resume(order: Any) -> tuple[int, None]:
        url = f"{order['outside']}/activities/charge%20it%2F"
        seen.append(post(url, b'{"big":12345678901234567890,"text":"\xc3\xa4"}', CALL))
        seen.append(post(f"{order['outside']}/sleep", b'{"until":"2026-01-01T00:00:05Z"}', {}))
        seen.append(post(f"{order['outside']}/log", b'{"line":"said"}', {}))
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        engine.resume(KEY)
    (call,) = outside.calls
    assert (call.execution_id, call.step_id, call.activity) == (KEY, "each[0]/päy", "charge it/")
    assert (call.attempt, call.idempotency_key, call.input) == (2, "k:%41", {"big": 12345678901234567890, "text": "ä"})
    assert outside.threads == {threading.get_ident()}
    answered, slept, logged = seen
    assert (answered[0], answered[2]) == (200, b'{"zero":-0.0,"text":"\\ud800\\u0000"}')
    assert json.loads(answered[1]["X-Ports"]) == ["out", "é"]
    assert answered[1]["X-Now"] == EPOCH.isoformat(timespec="microseconds")
    assert json.loads(slept[2])["now"].startswith("2026-01-01T00:00:05")
    assert (logged[0], outside.lines) == (204, ["said"])


def test_the_time_is_told_while_an_activity_runs(service: Service, outside: Outside) -> None:
    seen: list[Any] = []

    def resume(order: Any) -> tuple[int, None]:
        outside.meanwhile = lambda: seen.append(post(f"{order['outside']}/now", b"", {}))
        post(f"{order['outside']}/activities/charge", b"1", CALL)
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        engine.resume(KEY)
    assert [(status, json.loads(body)) for status, _, body in seen] == [
        (200, {"now": EPOCH.isoformat(timespec="microseconds")})
    ]


@pytest.mark.parametrize(("retryable", "status"), [(True, 503), (False, 422)])
def test_a_failed_activity_is_told_as_it_failed(
    service: Service, outside: Outside, *, retryable: bool, status: int
) -> None:
    seen: list[Any] = []
    outside.raises = ActivityError("no money", retryable=retryable)

    def resume(order: Any) -> tuple[int, None]:
        seen.append(post(f"{order['outside']}/activities/charge", b"1", CALL))
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        engine.resume(KEY)
    assert seen[0][0] == status
    assert json.loads(seen[0][2]) == {"message": "no money", "retryable": retryable}


def test_a_key_that_is_under_way_is_held(service: Service, outside: Outside) -> None:
    statuses: list[int] = []

    def resume(order: Any) -> tuple[int, None]:
        url = f"{order['outside']}/activities/charge"
        outside.meanwhile = lambda: statuses.append(post(url, b"1", CALL)[0])
        statuses.append(post(url, b"1", CALL)[0])
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        engine.resume(KEY)
    assert (statuses, len(outside.calls)) == ([409, 200], 1)


def test_what_is_asked_for_between_commands_is_held_and_told_at_the_next(service: Service, outside: Outside) -> None:
    with made(service.url, outside) as engine:
        engine.resume(KEY)
        url = service.asked[-1][1]["outside"]
        assert post(f"{url}/activities/charge", b"1", CALL)[0] == 409
        assert post(f"{url[:-1]}x/activities/charge", b"1", CALL)[0] == 404  # somebody who does not know the secret
        assert not outside.calls
        with pytest.raises(BrokenProtocol, match="asked for '/activities/charge' while no command was under way"):
            engine.resume(KEY)
        engine.resume(KEY)


WRONG: Final = [
    ("activities/charge", b"1", {**CALL, "X-Attempt": "0"}, "attempt: Input should be greater than or equal to 1"),
    ("activities/charge", b"1", {**CALL, "X-Step-Id": "\xe4"}, "its header X-Step-Id is not ASCII"),
    ("activities/charge", b"1", {"X-Attempt": "1"}, "execution_id: "),
    ("activities/charge", b"{", CALL, "the input of its call is not JSON"),
    ("activities/charge", b"\xff", CALL, "its request for '/activities/charge' is not UTF-8"),
    (
        "sleep",
        b'{"until":"2026-01-01T00:00:05"}',
        {},
        "until: '2026-01-01T00:00:05' is not a time with its offset in ISO 8601",
    ),
    ("activities/charge", b"1", {**CALL, "X-Step-Id": "%ff"}, "X-Step-Id is not percent-encoded UTF-8: '%ff'"),
    ("sleep", b"[]", {}, "the body of its request for '/sleep' is not a JSON object"),
    ("other", b"{}", {}, "it posted to '/other'; there are /activities/NAME, /sleep, /now and /log"),
]


@pytest.mark.parametrize(("path", "body", "headers", "told"), WRONG)
def test_a_wrong_request_of_it_fails_its_command(
    served: tuple[Service, Outside], path: str, body: bytes, headers: dict[str, str], told: str
) -> None:
    service, outside = served

    def resume(order: Any) -> tuple[int, None]:
        post(f"{order['outside']}/{path}", body, headers)
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine, pytest.raises(BrokenProtocol) as caught:
        engine.resume(KEY)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"engine '{service.url}', at resume: ")
    assert "\n" not in str(caught.value)


def test_bodies_have_a_limit_and_a_length(service: Service, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.engines.byprocess.http.outside.MOST_BYTES", 10)
    seen: list[int] = []

    def resume(order: Any) -> tuple[int, None]:
        url = f"{order['outside']}/activities/charge"
        seen.append(post(url, b"1" * 11, CALL)[0])
        seen.append(post(url, b"", {**CALL, "Content-Length": "x"})[0])
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        engine.resume(KEY)
    assert seen == [413, 411]


def fault(kind: str, status: int, **more: str) -> Callable[[Any], tuple[int, Any]]:
    return lambda _order: (status, {"type": kind, "message": "so it is", **more})


def test_errors_have_the_contract_s_type_or_their_own_words(service: Service, outside: Outside) -> None:
    with made(service.url, outside) as engine:
        service.answers["/resume"] = fault("ExecutionHeld", 409)
        with pytest.raises(ExecutionHeld, match=r"^so it is$"):
            engine.resume(KEY)
        service.answers["/resume"] = fault("TypeError", 500, sqlstate="53100", trace="line 3")
        with pytest.raises(ForeignError, match=r"^TypeError: so it is$") as caught:
            engine.resume(KEY)
        assert (caught.value.trace, refusal_of(caught.value)) == ("line 3", "53100: TypeError: so it is")
        service.answers["/resume"] = fault("ExecutionHeld", 500)
        with pytest.raises(BrokenProtocol, match="answered ExecutionHeld with status 500; 409 is due"):
            engine.resume(KEY)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((301, None), "it answered 301 and redirects to 'http://elsewhere/'; give the `url` that answers"),
        ((500, b"<h1>\x1b[31mOops</h1>", "text/html"), "500 Internal Server Error with text/html: '<h1>\\x1b[31mOops"),
        ((404, b"Cannot POST", "text/plain"), "it answered 404 Not Found with text/plain: 'Cannot POST'; an error is"),
        ((200, b"<html>", "text/html"), "it answered 200 OK with text/html: '<html>', which is not a JSON object"),
        ((200, {"execution": {}}), "is wrong: execution.id: "),
        ((404, {"type": "\ud800", "message": "\ud800"}), "is wrong: type has half a character (a lone surrogate)"),
        ((500, {"error": "no"}), 'its answer 500 \'{"error": "no"}\' is wrong: type: '),
        ((None, None), "/journal: no whole answer came (RemoteDisconnected; it closed the connection)"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(
    service: Service, outside: Outside, answer: tuple[Any, ...], told: str
) -> None:
    service.answers["/journal"] = lambda _order: answer
    with made(service.url, outside) as engine, pytest.raises((BrokenProtocol, EngineGone)) as caught:
        engine.journal(KEY)
    assert told in str(caught.value)
    assert str(caught.value).isascii()
    assert "\n" not in str(caught.value)


def test_an_answer_has_a_limit(service: Service, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("client", "dialogue"):
        monkeypatch.setattr(f"cutover.engines.byprocess.http.{module}.MOST_BYTES", 100)
    service.answers["/resume"] = lambda _order: (200, {"x": "y" * 200})
    with made(service.url, outside) as engine, pytest.raises(BrokenProtocol, match="has more than 100 bytes"):
        engine.resume(KEY)


def test_a_service_that_is_down_or_no_service_is_refused_before_anything_runs(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(BrokenEngine) as caught:
        describe(f"http://127.0.0.1:{port}")
    assert f"at hello: http://127.0.0.1:{port}/hello: nobody listens there" in str(caught.value)
    assert refusal_of(caught.value) == ""  # it is not the server that refuses
    service.answers["/hello"] = lambda _body: (200, {**HELLO, "protocol": 2})
    with pytest.raises(BrokenEngine, match="speaks version 2 of the protocol; 1 is spoken here"):
        describe(service.url)


def test_silence_has_an_end_and_logs_are_no_answer(service: Service, outside: Outside) -> None:
    hush = threading.Event()

    def resume(order: Any) -> tuple[int, None]:
        while not hush.wait(0.05):
            post(f"{order['outside']}/log", b'{"line":"still"}', {})
        return 200, None

    service.answers["/resume"] = resume
    service.answers["/cancel"] = lambda _order: (hush.wait(20) and 200, None)
    with made(service.url, outside, answer_s=0.3) as engine:
        with pytest.raises(EngineGone, match=r"/resume has not answered but logs for 0.3 s"):
            engine.resume(KEY)
        with pytest.raises(EngineGone, match=r"/cancel has not answered for 0.3 s"):
            engine.cancel(KEY)
    hush.set()


def test_calls_are_no_silence(service: Service, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(
        "cutover.engines.byprocess.http.dialogue.time", SimpleNamespace(monotonic=lambda: clock.seconds)
    )

    def pass_time() -> None:
        clock.seconds += 45.0

    def resume(order: Any) -> tuple[int, None]:
        for number in range(3):
            post(f"{order['outside']}/activities/charge", b"1", {**CALL, "Idempotency-Key": str(number)})
        return 200, None

    service.answers["/resume"] = resume
    outside.meanwhile = pass_time
    with made(service.url, outside, answer_s=60) as engine:
        engine.resume(KEY)
    assert len(outside.calls) == 3


def test_what_an_activity_raises_otherwise_comes_out_where_the_command_was_given(
    service: Service, outside: Outside
) -> None:
    outside.raises = ZeroDivisionError("of the harness")
    statuses: list[int] = []

    def resume(order: Any) -> tuple[int, None]:
        statuses.append(post(f"{order['outside']}/activities/charge", b"1", CALL)[0])
        return 200, None

    service.answers["/resume"] = resume
    with made(service.url, outside) as engine:
        with pytest.raises(ZeroDivisionError):
            engine.resume(KEY)
        outside.raises = None
        engine.resume(KEY)
    assert statuses == [409, 200]
