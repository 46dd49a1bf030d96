"""What is said to a service and by it: its hello, then commands, and the activities that these call. Does I/O.

Threads take in and give out; what they bring comes through one queue to whoever asks, in the thread that asks. So
activities are called one at a time, in that thread.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any, Final

from cutover.engines.api import EngineContext
from cutover.engines.byprocess.address import address_for_all
from cutover.engines.byprocess.dialogue import Watch
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.http.address import ServiceAddress
from cutover.engines.byprocess.http.client import ServiceAnswer, ServiceRequest
from cutover.engines.byprocess.http.orders import STATUSES, ServiceOrder, SleepOver
from cutover.engines.byprocess.http.outside import MOST_BYTES, Asked, OutsideServer, ServiceReply
from cutover.engines.byprocess.http.service import StartedService
from cutover.engines.byprocess.messages import (
    PROTOCOL,
    AnswerMessage,
    CallMessage,
    CommandMessage,
    DoneMessage,
    EngineFault,
    HelloMessage,
    HelloReply,
    LogMessage,
    SleepMessage,
)
from cutover.engines.byprocess.rows import JournalDocument
from cutover.engines.byprocess.serving import answered
from cutover.engines.byprocess.settings import EngineSettings
from cutover.engines.byprocess.wire import checked, plain

__all__ = ["ServiceDialogue"]

_SHOWN: Final = 120


class ServiceDialogue:
    """A `Dialogue` by HTTP, with a service that is started where the settings have a program."""

    def __init__(
        self, settings: EngineSettings, address: ServiceAddress, context: EngineContext, watch: Watch, *, hosted: bool
    ) -> None:
        self._settings, self._address, self._context, self._watch = settings, address, context, watch
        self._hosted = hosted
        self._dsn = address_for_all(context.dsn) if context.dsn else ""
        self._news: SimpleQueue[Asked | ServiceAnswer] = SimpleQueue()
        self._service: StartedService | None = None
        self._outside: OutsideServer | None = None
        self._request: ServiceRequest | None = None

    def greet(self) -> HelloReply:
        """Starts what is to be started, waits until it is ready, and greets it."""
        if self._settings.program is not None:
            self._service = StartedService(self._settings.program, self._address, self._dsn, hosted=self._hosted)
            self._address = self._service.address
            self._service.wait(self._settings.ready_timeout_s)
        hello = HelloMessage(protocol=PROTOCOL, dsn=self._dsn or None, now=self._context.clock.now())
        answer = self._posted("hello", plain(hello), self._settings.ready_timeout_s)
        if not _went_well(answer):
            raise BrokenProtocol(f"it answered {_said(answer)}")
        found = checked(HelloReply, _object(answer), f"its answer {_quoted(answer.body)}", answer.body)
        if found.protocol != PROTOCOL:
            raise BrokenProtocol(f"it speaks version {found.protocol} of the protocol; {PROTOCOL} is spoken here")
        return found

    def ask(self, command: CommandMessage) -> DoneMessage:
        """Posts a command, serves what the service asks for, and returns how it was done."""
        outside = self._outside = self._outside or OutsideServer(self._news, self._context.clock.now)
        while not self._news.empty():
            self._take_unasked(self._news.get())
        if outside.late:
            raise BrokenProtocol(outside.late)
        order = ServiceOrder(protocol=PROTOCOL, dsn=self._dsn, outside=outside.url, command=command)
        outside.begin()
        try:
            answer = self._posted(command.op, plain(order), self._settings.answer_timeout_s)
        finally:
            outside.over()
        if not _went_well(answer):
            return DoneMessage(id=command.id, error=_fault(answer))
        if command.op != "journal":
            if answer.body.strip():
                _object(answer)
            return DoneMessage(id=command.id)
        journal = checked(JournalDocument, _object(answer), f"its answer {_quoted(answer.body)}", answer.body)
        return DoneMessage(id=command.id, result=journal)

    def kill(self) -> None:
        """Ends the service at once, where it was started, and every connection."""
        self._let_go()
        if self._service is not None:
            self._service.kill()

    def end(self) -> None:
        """Ends it with SIGTERM, and what does not end by that with SIGKILL."""
        self._let_go()
        if self._service is not None:
            self._service.end()

    def _let_go(self) -> None:
        if self._request is not None:
            self._request.give_up()
        if self._outside is not None:
            self._outside.close()

    def _posted(self, what: str, body: Mapping[str, Any], within_s: float) -> ServiceAnswer:
        """Returns the answer to a POST; what is asked for meanwhile is served, and begins the time anew.

        Raises EngineGone or BrokenProtocol.
        """
        text = json.dumps(body, separators=(",", ":")).encode("ascii")
        self._watch(">", f"POST /{what} ".encode() + text)
        self._request = ServiceRequest(self._news, "POST", f"{self._address.url}/{what}", text, within_s)
        until, but = time.monotonic() + within_s, ""
        while True:
            try:
                news = self._news.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if isinstance(news, ServiceAnswer):
                self._request = None
                return self._complete(what, news)
            if isinstance(news.message, LogMessage):
                self._context.log(news.message.line)
                but = " but logs"
                if time.monotonic() > until:
                    break
                continue
            self._serve(news, news.message)
            until, but = time.monotonic() + within_s, ""
        raise EngineGone(f"{self._address.url}/{what} has not answered{but} for {within_s:g} s")

    def _complete(self, what: str, answer: ServiceAnswer) -> ServiceAnswer:
        """Returns an answer that is one. Raises EngineGone or BrokenProtocol."""
        if answer.failed:
            if self._service is not None and self._service.ended():
                raise self._service.gone()
            raise EngineGone(f"{self._address.url}/{what}: {answer.failed}")
        self._watch("<", f"{answer.status} ".encode() + answer.body)
        if len(answer.body) > MOST_BYTES:
            raise BrokenProtocol(f"its answer has more than {MOST_BYTES:,} bytes")
        if 300 <= answer.status < 400:
            where = answer.headers.get("location", "nowhere")
            raise BrokenProtocol(f"it answered {answer.status} and redirects to {where!a}; give the `url` that answers")
        return answer

    def _serve(self, asked: Asked, message: CallMessage | SleepMessage | None) -> None:
        self._watch("<", asked.shown)
        if message is None:
            asked.reply.put(_reply(HTTPStatus.BAD_REQUEST, {"message": asked.wrong, "retryable": False}))
            raise BrokenProtocol(asked.wrong)
        if isinstance(message, SleepMessage):
            self._context.clock.sleep_until(message.until)
            reply = _reply(HTTPStatus.OK, plain(SleepOver(now=self._context.clock.now())))
        else:
            reply = _answer_to_call(answered(self._context, message))
        headers = "".join(f"{name}: {value} " for name, value in reply.headers.items())
        self._watch(">", f"{reply.status} {headers}".encode() + reply.body)
        asked.reply.put(reply)

    def _take_unasked(self, news: Asked | ServiceAnswer) -> None:
        """Takes what came between commands."""
        if isinstance(news, Asked):
            if isinstance(news.message, LogMessage):
                self._context.log(news.message.line)
            else:
                raise BrokenProtocol(f"it answered before what it had asked for: {_quoted(news.shown)}")


def _answer_to_call(answer: AnswerMessage) -> ServiceReply:
    """Returns the reply to a call: 200 with the output as it is, 422 where no other attempt helps, else 503."""
    now = {"X-Now": answer.now.isoformat(timespec="microseconds")}
    if answer.error is None:
        headers = {"X-Ports": json.dumps(answer.ports), **now}
        return ServiceReply(HTTPStatus.OK, (answer.output or "null").encode("ascii"), headers)
    status = HTTPStatus.SERVICE_UNAVAILABLE if answer.error.retryable else HTTPStatus.UNPROCESSABLE_ENTITY
    return _reply(status, plain(answer.error), now)


def _reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> ServiceReply:
    return ServiceReply(status, json.dumps(body).encode("ascii"), headers or {})


def _went_well(answer: ServiceAnswer) -> bool:
    return 200 <= answer.status < 300


def _fault(answer: ServiceAnswer) -> EngineFault:
    """Returns the error of an answer that is none of success. Raises BrokenProtocol where it is not told as one."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        raise BrokenProtocol(f"it answered {_said(answer)}; an error is a JSON object with `type` and `message`")
    fault = checked(EngineFault, _object(answer), f"its answer {answer.status} {_quoted(answer.body)}", answer.body)
    due = STATUSES.get(fault.type, int(HTTPStatus.INTERNAL_SERVER_ERROR))
    if answer.status != due:
        raise BrokenProtocol(f"it answered {fault.type} with status {answer.status}; {due} is due")
    return fault


def _object(answer: ServiceAnswer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BrokenProtocol(f"it answered {_said(answer)}, which is not a JSON object")
    return found


def _said(answer: ServiceAnswer) -> str:
    kind = answer.headers.get("content-type", "")
    return f"{answer.status} {answer.reason}{f' with {kind}' if kind else ''}: {_quoted(answer.body)}"


def _quoted(body: bytes) -> str:
    return ascii(body[:_SHOWN].decode("utf-8", "replace").strip()) + ("..." if len(body) > _SHOWN else "")
