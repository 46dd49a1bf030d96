"""Payloads come back exactly, or are refused before anything is written."""

from __future__ import annotations

import math
import uuid
from typing import Any

import pytest

from cutover.engines.api import ExecutionRequest, StartNode, Workflow
from cutover.engines.errors import PayloadRefused, UnknownExecution
from cutover.engines.payloads import MAX_DEPTH, encode
from cutover.harness.conformance.engine_under_test import engine_in_process
from cutover.scenarios.generated.vocabulary import AWKWARD
from cutover.scenarios.model import Scenario

pytestmark = pytest.mark.cutover
_SCENARIO = Scenario(id="payload", workflow=Workflow(id="payload", nodes=(StartNode(id="start"),)))


def _nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def _request(value: Any) -> ExecutionRequest:
    return ExecutionRequest(execution_id=uuid.uuid4(), workflow=_SCENARIO.workflow, input=value)


@pytest.mark.parametrize("value", AWKWARD, ids=lambda value: ascii(value)[:30])
def test_kept_exactly(cutover_spec: str, cutover_dsn: str, value: Any) -> None:
    request = _request({"value": value})
    with engine_in_process(cutover_spec, cutover_dsn, _SCENARIO) as engine:
        engine.execute(request)
        execution = engine.journal(request.execution_id).execution
    assert execution.status == "completed"
    assert (execution.input, execution.output) == (encode(request.input), encode(request.input))


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, b"bytes", {1: "a key that is not a string"}, {"set": {1}}, _nested(MAX_DEPTH + 1)],
    ids=["nan", "infinity", "minus-infinity", "bytes", "key", "set", "too-deep"],
)
def test_refused_before_anything_is_written(cutover_spec: str, cutover_dsn: str, value: Any) -> None:
    request = _request(value)
    with engine_in_process(cutover_spec, cutover_dsn, _SCENARIO) as engine:
        with pytest.raises(PayloadRefused):
            engine.execute(request)
        with pytest.raises(UnknownExecution):
            engine.journal(request.execution_id)
