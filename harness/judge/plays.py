"""SIGNAL, INSTALL and READ, and what plays tell of other checks: executions that are driven as no trial is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cutover.engines.api import JsonText
from cutover.harness.judge.checks import (
    ckpt,
    data,
    dup,
    evt,
    idem,
    iso,
    log,
    lost,
    ord,  # noqa: A004 - as above
    out,
    retry,
    sm,
    without_unasked,
)
from cutover.harness.judge.checks.around import clock, ident, secret
from cutover.harness.judge.checks.base import ArmCheck
from cutover.harness.judge.findings import CheckResult, Finding, Verdict, Witness
from cutover.harness.judge.view import view_of
from cutover.harness.record.plays import (
    ANOTHER,
    BROKEN,
    CANCELLED,
    DAMAGED,
    FOREIGN,
    HARD,
    HELD,
    MEASURED,
    MEASURED_COMMIT,
    OUTDATED,
    UNKNOWN,
    PlayCommand,
    PlayRecord,
)
from cutover.harness.record.scenario_texts import scenario_in
from cutover.harness.record.trials import Trial

__all__ = ["HOLDS_WHEN", "PLAY", "judge_plays"]

PLAY: Final = "the play "
"""How a finding names the play, where others name a scenario."""

HOLDS_WHEN: Final[Mapping[str, str]] = {
    "SIGNAL": "an early signal is kept for the next wait of its name, each signal serves one wait, and none twice",
    "INSTALL": "an install, the first or a later one, loses and ends nothing, and the control goes on with its own",
    "READ": "an execution reads the same later on, and the public tables say what its journal says",
}
"""What each of them says, for reports."""

_OWN: Final[tuple[ArmCheck, ...]] = tuple(
    each.CHECK for each in (out, dup, lost, sm, evt, ckpt, retry, ord, iso, data, log, idem, clock, ident, secret)
)
_UNMOVED: Final[tuple[ArmCheck, ...]] = (out.CHECK, dup.CHECK, lost.CHECK, data.CHECK)
"""What must hold of an execution that goes on although its checkpoints were changed, which they still are."""
_CUT_SHORT: Final = tuple(each for each in _OWN if each not in {out.CHECK, lost.CHECK, retry.CHECK, ord.CHECK})
"""What must hold of an execution that is cancelled where the model has no pause."""
_OF_THE_PLAY: Final = frozenset(each.CHECK.id for each in (out, dup, lost, sm, retry, ord, iso, data, idem))
"""What they find, an execution that came to something else, is what a play is there to show, so it counts for the check
of the play. What the others find would show without the play too, and counts for themselves."""
_OF_JOURNALS: Final = frozenset({evt.CHECK.id, ckpt.CHECK.id})
"""What they look at, whole journals, is what plays of READ are about."""
_PROVEN_ELSEWHERE: Final = frozenset({"RESUME", "CONC", "CKPT"})
"""Checks whose data are crash cases, or trials: what plays find counts, but is not enough to pass them."""
_CONTROLS: Final[tuple[ArmCheck, ...]] = (out.CHECK, dup.CHECK, lost.CHECK)
"""The control has flaws of its own; what it makes of an execution alone is what it may make of it beside another."""


def judge_plays(plays: Sequence[PlayRecord], lacks: Collection[str] = ()) -> tuple[CheckResult, ...]:
    """Returns a result of each check of which there are plays; `lacks` is what the candidate does not offer."""
    flaws = {told[:2] for play in plays if play.alone for told in _broken(play, lacks)[1]}
    examined: dict[str, int] = defaultdict(int)
    findings: dict[str, list[Finding]] = defaultdict(list)
    for play in plays:
        if play.alone:
            continue
        facts, broken = _broken(play, lacks)
        examined[play.check] += 0 if play.check in _PROVEN_ELSEWHERE else facts + len(play.commands)
        known = flaws if play.role == "control" else set[tuple[str, str]]()
        for told in (*_commands(play), *(each for each in broken if each[:2] not in known)):
            finding = _finding(play, *told)
            findings[finding.check].append(finding)
            examined[finding.check] += 0
    return tuple(
        CheckResult(check=check, arm="candidate", examined=facts, findings=tuple(findings[check]))
        for check, facts in examined.items()
    )


_Told = tuple[str, str, Verdict, Witness]
"""The check that found it, what it says, how it counts, and what to look at."""


def _broken(play: PlayRecord, lacks: Collection[str]) -> tuple[int, Sequence[_Told]]:
    """Returns how many facts the checks looked at, and what they hold against the play's better order."""
    found = [_judged(play, text, lacks) for text in (play.scenario, play.also) if text is not None]
    return min(found, key=lambda each: len(each[1]))


def _judged(play: PlayRecord, text: JsonText, lacks: Collection[str]) -> tuple[int, Sequence[_Told]]:
    scenario = scenario_in(text)
    arm = replace(play.arm, arm="candidate")
    view = view_of(Trial(number=0, scenario=scenario, arms={"candidate": arm}))
    examined, told = 0, list[_Told]()
    for check in _made_on(play):
        for result in without_unasked(check(view), lacks):
            examined += result.examined
            told += [(each.check, each.message, each.verdict, each.witness) for each in result.findings]
    return examined, told


def _made_on(play: PlayRecord) -> Sequence[ArmCheck]:
    """Returns the checks that are made on its execution: none where what was changed at rest has been refused."""
    if play.role == "control":
        return _CONTROLS
    if any(command.what.startswith(CANCELLED) for command in play.commands):
        return _CUT_SHORT
    damaged = [command for command in play.commands if command.what.startswith(DAMAGED)]
    if not damaged:
        return _OWN
    return _UNMOVED if all(command.failure is None for command in damaged) else ()


def _commands(play: PlayRecord) -> Iterator[_Told]:
    """Yields what is wrong with the commands of a play."""
    for command in play.commands:
        message = _judgement(command)
        if not message and command.changed:
            message = f"{command.what}: the execution's rows are not what they were"
        if message:
            check = "MET" if command.what in _TIMED else play.check
            yield check, message, Verdict.FAIL, {"command": command.what}


def _judgement(command: PlayCommand) -> str:
    """Returns what is wrong with how a command ended; empty where nothing is."""
    if command.what.startswith(DAMAGED):
        called = command.failure is not None and command.calls
        return f"{command.what}: it was refused, and activities were called: {command.calls}" if called else ""
    if command.what.startswith(OUTDATED):
        return f"{command.what}: activities were called: {command.calls}" if command.calls else ""
    return _acceptance(command) if command.what.startswith((BROKEN, HARD, ANOTHER)) else _refusal(command)


def _refusal(command: PlayCommand) -> str:
    """Returns what is wrong with how a command ended; empty where nothing is."""
    failure = command.failure
    if command.refused is not None:
        how = (
            "was not refused" if failure is None else f"was not refused, but ended in {failure.type}: {failure.message}"
        )
        return "" if command.refused else f"{command.what}: {how}"
    name = "" if failure is None else failure.type.rpartition(".")[2]
    if failure is None or (command.what == HELD and name in _MAY_REFUSE) or command.what in _MAY_FAIL:
        return ""
    return f"{command.what}: {failure.kind}, {failure.type}: {failure.message}"


def _acceptance(command: PlayCommand) -> str:
    """Returns what is wrong with how a request ended that must or may be refused; empty where nothing is."""
    failure = command.failure
    name = "" if failure is None else failure.type.rpartition(".")[2]
    if name in _REFUSALS or (failure is None and command.what.startswith((HARD, ANOTHER))):
        return ""
    how = "it was accepted" if failure is None else f"{failure.kind}, {failure.type}: {failure.message}"
    return f"{command.what}: {how}, instead of {' or '.join(sorted(_REFUSALS))}"


_TIMED: Final = frozenset({MEASURED, MEASURED_COMMIT})
_REFUSALS: Final = frozenset({"PayloadRefused", "WorkflowRefused"})
_MAY_FAIL: Final = frozenset({UNKNOWN, FOREIGN})
_MAY_REFUSE: Final = frozenset({"ExecutionHeld", "LeaseLost"})


def _finding(play: PlayRecord, check: str, message: str, verdict: Verdict, witness: Witness) -> Finding:
    """Returns the finding, of the play's check where what the other check found is what the play is about."""
    about = _OF_THE_PLAY | _OF_JOURNALS if play.check == "READ" else _OF_THE_PLAY
    own = check in about and check != play.check
    return Finding(
        check=play.check if own else check,
        verdict=verdict,
        trial=0,
        scenario=f"{PLAY}{play.play}" if play.play else "plays",
        arm="candidate",
        message=f"{play.name}: {check}: {message}" if own else f"{play.name}: {message}",
        witness=witness,
    )
