"""IDENT over a whole run: no idempotency key serves two steps, whoever asked with it. Pure.

The world of a trial serves one execution, that of production all of them: where two steps share a key, the second
one's effect is taken for done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from cutover.harness.judge.findings import CheckResult, Finding, Verdict, Witness
from cutover.harness.judge.keys import LEAST_BITS, OwnedKey, chance_of_equals, names_its_execution, varying_bits
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.trials import LedgerEntry, Trial, role

__all__ = ["RunKeys"]


class RunKeys:
    """Takes in the keys that the candidate asked with, and tells which of them two steps share."""

    def __init__(self) -> None:
        self._owner: dict[str, str] = {}
        self._shared: list[tuple[str, str, str]] = []
        self._nameless: list[OwnedKey] = []

    def add(self, trial: Trial) -> None:
        """Takes in the keys of a trial, and of the executions that ran beside it."""
        for arm in trial.arms.values():
            if role(arm.arm) == "candidate":
                self._take(arm.execution_id, arm.ledger)
                for companion in arm.companions:
                    self._take(companion.execution_id, companion.ledger)

    def add_plays(self, plays: Iterable[PlayRecord]) -> None:
        """Takes in the keys of plays."""
        for play in plays:
            if play.role == "candidate":
                self._take(play.arm.execution_id, play.arm.ledger)

    def part(self) -> dict[str, Any]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        return {"owner": self._owner, "shared": self._shared}

    def absorb(self, part: Mapping[str, Any]) -> None:
        """Takes over the keys of trials that come after those here."""
        for key, owner in part["owner"].items():
            self._own(key, owner)
        self._shared += [tuple(each) for each in part["shared"]]

    def result(self) -> CheckResult:
        """Returns what IDENT says of the keys; nothing was examined where the candidate has none."""
        findings = [_shares(*each) for each in self._shared]
        bits = varying_bits(self._nameless)
        if bits is not None and bits < LEAST_BITS:
            findings.append(_too_short(bits, self._nameless[0].key))
        return CheckResult(check="IDENT", arm="candidate", examined=len(self._owner), findings=tuple(findings))

    def _take(self, execution_id: UUID, ledger: Iterable[LedgerEntry]) -> None:
        for entry in ledger:
            if entry.idempotency_key is not None and entry.execution_id is not None:  # not in runs of older versions
                self._own(entry.idempotency_key, f"{execution_id}/{entry.step_id}")

    def _own(self, key: str, owner: str) -> None:
        if key not in self._owner and not names_its_execution(owned := OwnedKey(key, *owner.split("/", 1))):
            self._nameless.append(owned)
        first = self._owner.setdefault(key, owner)
        if first != owner:
            self._shared.append((key, first, owner))


def _shares(key: str, first: str, second: str) -> Finding:
    witness = {"key": key, "first": first, "second": second}
    return _finding(f"the key {key!r} is that of {first} and of {second}", witness)


def _too_short(bits: float, key: str) -> Finding:
    chance = chance_of_equals(bits)
    return _finding(
        f"at most {bits:.0f} bits of the keys vary, as in {key!r}: of ten million, two are equal with a chance of "
        f"{chance:.2g}",
        {"bits": bits, "key": key, "chance": chance},
    )


def _finding(message: str, witness: Witness) -> Finding:
    return Finding(
        check="IDENT",
        verdict=Verdict.FAIL,
        trial=0,
        scenario="the run's keys",
        arm="candidate",
        message=message,
        witness=witness,
    )
