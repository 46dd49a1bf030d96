"""Serves a call of an activity that an engine outside has sent. Calls the activity."""

from __future__ import annotations

from cutover.engines.api import ActivityCall, EngineContext, JsonText, JsonValue
from cutover.engines.byprocess.faults import BrokenProtocol
from cutover.engines.byprocess.messages import ActivityFault, AnswerMessage, CallMessage
from cutover.engines.errors import ActivityError, PayloadRefused
from cutover.engines.payloads import decode, encode

__all__ = ["answered"]


def answered(context: EngineContext, message: CallMessage) -> AnswerMessage:
    """Calls the activity and returns the answer, dated by then.

    Raises BrokenProtocol for an input that is not JSON, and what the activities raise that is no ActivityError.
    """
    output: JsonText | None = None
    ports: tuple[str, ...] | None = None
    fault = None
    try:
        call = ActivityCall(
            execution_id=message.execution_id,
            step_id=message.step_id,
            activity=message.activity,
            attempt=message.attempt,
            idempotency_key=message.idempotency_key,
            input=_decoded(message.input),
        )
        result = context.activities.call(call)
        output, ports = encode(result.output), result.ports
    except ActivityError as error:
        fault = ActivityFault(message=error.message, retryable=error.retryable)
    except PayloadRefused as error:
        fault = ActivityFault(message=str(error), retryable=False)
    return AnswerMessage(id=message.id, now=context.clock.now(), output=output, ports=ports, error=fault)


def _decoded(text: JsonText) -> JsonValue:
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise BrokenProtocol(f"the input of its call is not JSON: {error}") from error
