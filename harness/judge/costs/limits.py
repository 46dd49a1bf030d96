"""What a step, a pause, an execution may cost at most: declared in a policy, or by default. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

__all__ = ["CostLimits"]

_CostLimit = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimits:
    """The table `costs` of a policy.

    A step is what an engine does from one activity call to the next; payloads are not counted in its bytes.
    `copies_of_a_payload` is how often an output is sent to the database. `growth` is how many times as dear a later
    step, or a later execution, may be as an early one, beyond a small slack; `times_control` how many times as dear the
    candidate's step may be as the control's.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    round_trips_a_step: _CostLimit = 2
    statements_a_step: _CostLimit = 8
    transactions_a_step: _CostLimit = 2
    bytes_sent_a_step: _CostLimit = 16_384
    bytes_received_a_step: _CostLimit = 16_384
    rows_read_a_step: _CostLimit = 40
    rows_written_a_step: _CostLimit = 40
    copies_of_a_payload: _CostLimit = 4
    round_trips_a_pause: _CostLimit = 20
    connections_an_execution: _CostLimit = 2
    resident_kib_an_execution: _CostLimit = 16
    growth: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.25
    times_control: _CostLimit = 2
