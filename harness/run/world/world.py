"""The world: serves a scenario's responses to one execution and keeps the ledger. Pure but for the probe it is given.

The ledger shares nothing with an engine: payloads are copied as text on the way in and decoded afresh on the way out,
so an engine that changes a value later changes nothing here.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cutover.engines.api import ActivityCall, ActivityResult, Clock, JsonText, JsonValue
from cutover.engines.errors import ActivityError, PayloadRefused
from cutover.engines.payloads import decode, encode
from cutover.harness.record.trials import LedgerEntry
from cutover.scenarios.model import Response, Scenario

__all__ = ["World", "as_text", "input_digest"]

_ITERATION = re.compile(r"\[\d+\]")


def input_digest(value: JsonValue) -> str:
    """Returns the first 16 hex digits of the SHA-256 of the value's canonical JSON: what `echo` answers."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def as_text(value: JsonValue) -> str:
    """Returns a value as JSON for people to read; its `repr` where JSON cannot carry it."""
    try:
        return encode(value)
    except (PayloadRefused, ValueError, TypeError, RecursionError):
        return f"{value!r:.200}"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What goes back to the engine and into the ledger; `raw` is used where JSON cannot carry the planned output."""

    status: Literal["ok", "error"]
    output: JsonText | None = None
    raw: JsonValue = None
    ports: tuple[str, ...] = ()
    error: str | None = None
    retryable: bool = False


class World:
    """Everything outside the engine, for one execution of one scenario; an `Activities`.

    An effect is applied once per idempotency key, and once per call where there is none. A key whose success has been
    given gets that same success again; after an error with an effect the next attempt gets its own planned response,
    its effect deduplicated. `completed` says whether the engine has committed a step's completion; it is asked only
    about a step that has been called before, and must not use the engine's connections. With `edits` every activity
    changes the input that it was given, once it has answered.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        completed: Callable[[str], bool] | None = None,
        *,
        edits: bool = False,
    ) -> None:
        self._edits = edits
        self._scenario = scenario
        self._clock = clock
        self._completed = completed
        self._lock = threading.Lock()
        self._ledger: list[LedgerEntry] = []
        self._called: set[str] = set()
        self._applied: set[str] = set()
        self._given: dict[str, _Answer] = {}

    @property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every call so far, in order."""
        with self._lock:
            return tuple(self._ledger)

    def call(self, call: ActivityCall) -> ActivityResult:
        """Serves one call or raises ActivityError: the planned error, or a final one where no response is planned."""
        with self._lock:
            answer = self._serve(call)
            if self._edits:
                _edit(call.input)
        if answer.status == "error":
            raise ActivityError(answer.error or "", retryable=answer.retryable)
        return ActivityResult(output=answer.raw if answer.output is None else decode(answer.output), ports=answer.ports)

    def _serve(self, call: ActivityCall) -> _Answer:
        late = call.step_id in self._called and self._completed is not None and self._completed(call.step_id)
        self._called.add(call.step_id)
        effect: Literal["applied", "deduplicated", "none"] = "none"
        response = self._planned(call)
        try:
            given = encode(call.input)
        except (PayloadRefused, ValueError, TypeError, RecursionError) as error:
            given = encode(f"unreadable input: {type(error).__name__}")
            answer = _Answer(status="error", error=f"step {call.step_id} sent an input that is not JSON: {error}")
        else:
            if response is None:
                answer = _Answer(status="error", error=f"the scenario plans no response for step {call.step_id}")
            else:
                answer = self._given.get(call.idempotency_key or "") or _answer(response, given)
                effect = self._effect(call, response)
                if answer.status == "ok" and call.idempotency_key:
                    self._given.setdefault(call.idempotency_key, answer)
        self._ledger.append(
            LedgerEntry(
                sequence=len(self._ledger) + 1,
                step_id=call.step_id,
                activity=call.activity,
                attempt=call.attempt,
                idempotency_key=call.idempotency_key,
                input=given,
                planned=response is not None,
                status=answer.status,
                output=answer.output,
                ports=answer.ports,
                error=answer.error,
                retryable=answer.retryable,
                effect=effect,
                after_completion=late,
                at=self._clock.now(),
                execution_id=call.execution_id,
                took_ms=0 if response is None else response.takes_ms,
            )
        )
        if response is not None and response.takes_ms:
            self._clock.sleep_until(self._ledger[-1].answered_at)
        return answer

    def _planned(self, call: ActivityCall) -> Response | None:
        for name in (call.step_id, _ITERATION.sub("", call.step_id), call.activity):
            if responses := self._scenario.world.get(name):
                return responses[min(max(call.attempt, 1), len(responses)) - 1]
        return None

    def _effect(self, call: ActivityCall, response: Response) -> Literal["applied", "deduplicated", "none"]:
        if not (response.error is None if response.effect is None else response.effect):
            return "none"
        if call.idempotency_key is not None:
            if call.idempotency_key in self._applied:
                return "deduplicated"
            self._applied.add(call.idempotency_key)
        return "applied"


def _edit(value: JsonValue) -> None:
    match value:
        case dict():
            value["edited"] = True
        case list():
            value.append("edited")


def _answer(response: Response, given: JsonText) -> _Answer:
    if response.error is not None:
        return _Answer(status="error", error=response.error, retryable=response.retryable)
    output = {"value": response.output, "input": input_digest(decode(given))} if response.echo else response.output
    try:
        return _Answer(status="ok", output=encode(output), ports=response.ports)
    except (PayloadRefused, ValueError, TypeError, RecursionError):
        return _Answer(status="ok", raw=output, ports=response.ports)
