"""The judge tried on the run that it judges: rows of a few trials are damaged, and each damage must be seen. Pure.

A judge that finds nothing looks the same whether the engine is sound or the judge is blind. So after every run one byte
of an outcome is changed, one event is dropped and one effect is doubled in copies of its own trials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cutover.harness.judge.checks import CHECKS, run_checks
from cutover.harness.judge.checks.base import Check
from cutover.harness.judge.findings import Finding
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import ArmName, ArmRecord, LedgerEntry, Trial

__all__ = ["DAMAGES", "SELF_TEST_TRIALS", "Damage", "SelfTest", "self_test"]

SELF_TEST_TRIALS: Final = 40
"""Trials of the run's first that are looked through for rows to damage."""
_EACH: Final = 2
"""Trials on which each damage is tried."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A damage, the check that must see it, and the damaged arm; None where the arm has nothing to damage so."""

    name: str
    check: str
    damaged: Callable[[ArmRecord], ArmRecord | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What came of it: the damages not seen, each with its trial, and those that no trial had rows for."""

    missed: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()


def self_test(
    trials: Iterable[Trial],
    *,
    saved: Callable[[Trial], Trial] = lambda trial: trial,
    checks: Mapping[str, Check] = CHECKS,
) -> SelfTest:
    """Tries every damage on the first trials that it fits; `saved` writes a damaged trial and reads it again."""
    tries: dict[str, int] = dict.fromkeys((damage.name for damage in DAMAGES), 0)
    missed: list[str] = []
    for trial in trials:
        for damage in DAMAGES:
            if tries[damage.name] >= _EACH or (damaged := _damaged(trial, damage)) is None:
                continue
            tries[damage.name] += 1
            if not _seen(trial, saved(damaged), damage.check, checks):
                missed.append(f"{damage.name} in trial {trial.number}")
        if min(tries.values()) >= _EACH:
            break
    return SelfTest(missed=tuple(missed), untried=tuple(name for name, tried in tries.items() if not tried))


def _damaged(trial: Trial, damage: Damage) -> Trial | None:
    """Returns the trial with its candidate's first arm damaged, and no other arm that could excuse it."""
    arm = trial.arms.get("candidate")
    if arm is None or arm.failure is not None or arm.journal is None:
        return None
    made = damage.damaged(arm)
    return None if made is None else replace(trial, arms={"candidate": made})


def _seen(trial: Trial, damaged: Trial, check: str, checks: Mapping[str, Check]) -> bool:
    """Whether the check holds something against the damaged trial that it did not hold against the trial itself."""
    before = _held({"candidate": trial.arms["candidate"]}, trial, check, checks)
    after = _held(damaged.arms, damaged, check, checks)
    return bool(after - before)


def _held(arms: Mapping[ArmName, ArmRecord], trial: Trial, check: str, checks: Mapping[str, Check]) -> set[str]:
    view = view_of(replace(trial, arms=arms))
    made = {check: checks[check]} if check in checks else {}
    findings: list[Finding] = [finding for result in run_checks(view, made) for finding in result.findings]
    return {finding.message for finding in findings}


def _other_byte(arm: ArmRecord) -> ArmRecord | None:
    """Changes the first letter or digit of the execution's output: JSON texts that differ there differ in value."""
    journal = arm.journal
    output = None if journal is None else journal.execution.output
    found = None if output is None else re.search(r"[0-9A-Za-z]", output)
    if journal is None or output is None or found is None:
        return None
    at = found.start()
    other = "1" if output[at] == "0" else "0" if output[at].isdigit() else "b" if output[at] == "a" else "a"
    changed = output[:at] + other + output[at + 1 :]
    return replace(arm, journal=replace(journal, execution=replace(journal.execution, output=changed)))


def _without_an_event(arm: ArmRecord) -> ArmRecord | None:
    journal = arm.journal
    if journal is None or len(journal.events) < 3:
        return None
    middle = len(journal.events) // 2
    return replace(arm, journal=replace(journal, events=journal.events[:middle] + journal.events[middle + 1 :]))


def _doubled_effect(arm: ArmRecord) -> ArmRecord | None:
    """Puts the first effect into the ledger twice."""
    at = next((i for i, entry in enumerate(arm.ledger) if entry.effect == "applied"), None)
    if at is None:
        return None
    later = tuple(_numbered(entry, entry.sequence + 1) for entry in arm.ledger[at:])
    return replace(arm, ledger=arm.ledger[: at + 1] + later)


def _numbered(entry: LedgerEntry, sequence: int) -> LedgerEntry:
    return replace(entry, sequence=sequence)


DAMAGES: Final = (
    Damage("a changed byte of an outcome", "OUT", _other_byte),
    Damage("a dropped event", "EVT", _without_an_event),
    Damage("a doubled effect", "DUP", _doubled_effect),
)
