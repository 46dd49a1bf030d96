"""What the laws of costs hold against an engine: one sentence each, with the numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from cutover.harness.judge.findings import Verdict, Witness

__all__ = ["CostFault", "told"]


@dataclass(frozen=True, slots=True)
class CostFault:
    """One law that one play breaks, or about which it tells nothing."""

    play: str
    message: str
    witness: Witness = field(default_factory=dict)
    verdict: Verdict = Verdict.FAIL


def told(value: float) -> str:
    """Returns the number as short text: whole from 100 on, else with at most two decimals."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")
