"""SIGNAL, INSTALL and READ on literal plays, later reads and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from histories import GOOD, ID, JOURNAL, LEDGER, SCENARIO, TOKEN
from rows import MANIFEST

from cutover.harness.judge.findings import Finding, Verdict
from cutover.harness.judge.identity import RunKeys
from cutover.harness.judge.meta import RunFacts
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.rereads import judge_rereads
from cutover.harness.record.plays import (
    ANOTHER,
    BROKEN,
    CANCELLED,
    DAMAGED,
    HARD,
    HELD,
    OUTDATED,
    PLAY_NAMES,
    UNKNOWN,
    PlayCommand,
    PlayRecord,
)
from cutover.harness.record.rereads import Reread
from cutover.harness.record.trials import Failure, Trial
from cutover.harness.run.side.listing import LONG_PLAYS, PLAYS
from cutover.harness.store.lines import scenario_text
from cutover.reports.messages import Lang, Messages

PLAY = PlayRecord(check="SIGNAL", name="early", role="candidate", scenario=scenario_text(SCENARIO), arm=GOOD)
READ = Reread(trial=7, scenario="s", arm="candidate_again", execution_id=ID, tables=())
LOST = Failure(kind="exception", type="cutover.engines.errors.LeaseLost", message="gone")
REFUSED = Failure(kind="exception", type="cutover.engines.errors.WorkflowRefused", message="no start")
BOOM = Failure(kind="exception", type="ValueError", message="boom")
FAILED = replace(GOOD, journal=replace(JOURNAL, execution=replace(JOURNAL.execution, status="failed")))
TORN = replace(GOOD, journal=replace(JOURNAL, checkpoints=JOURNAL.checkpoints[:-1]))
WAITING = replace(TORN, journal=replace(JOURNAL, execution=replace(JOURNAL.execution, status="running")), ledger=())


def told(*plays: PlayRecord) -> list[tuple[str, str]]:
    return [(finding.check, finding.message) for result in judge_plays(plays) for finding in result.findings]


def asked(what: str, **outcome: Any) -> PlayRecord:
    return replace(PLAY, commands=(PlayCommand(what=what, **outcome),))


def test_a_good_play_is_examined_and_nothing_is_held_against_it() -> None:
    [result] = judge_plays([PLAY])
    assert (result.check, result.findings) == ("SIGNAL", ())
    assert result.examined > 50


def test_a_play_may_break_what_crash_cases_must_prove_and_does_not_prove_it() -> None:
    stopped = replace(PLAY, check="RESUME")
    [result] = judge_plays([stopped])
    assert (result.examined, result.findings) == (0, ())
    assert told(replace(stopped, arm=FAILED))


def test_checkpoints_that_were_changed_are_not_looked_at_where_the_execution_goes_on() -> None:
    play = replace(PLAY, check="CKPT", arm=TORN)
    assert "CKPT" in {check for check, _ in told(replace(play, check="SIGNAL"))}
    assert {check for check, _ in told(replace(play, check="READ"))} == {"READ"}
    [result] = judge_plays([replace(asked(f"{DAMAGED}: one is gone", calls=1), check="CKPT", arm=TORN)])
    assert (result.check, result.examined, result.findings) == ("CKPT", 0, ())


def test_what_the_model_cannot_know_is_not_asked_of_an_execution_that_was_cancelled_in_a_pause() -> None:
    stopped = replace(GOOD, ledger=LEDGER[:2])
    assert {message.split(": ")[1] for _, message in told(replace(PLAY, arm=stopped))} == {"OUT", "LOST"}
    assert told(replace(asked(CANCELLED), arm=stopped)) == []


@pytest.mark.parametrize(
    ("plays", "verdict", "text"),
    [
        (PLAY_NAMES, Verdict.PASS, "everything was played that is done to executions beside the trials"),
        (PLAY_NAMES - {"early", "held"}, Verdict.INCONCLUSIVE, "not played: early, held"),
        (
            PLAY_NAMES - {"long"},
            Verdict.INCONCLUSIVE,
            "not played: long; a crash budget of 30 s or more has time for it",
        ),
    ],
)
def test_a_run_that_lacks_a_play_has_not_shown_everything(plays: frozenset[str], verdict: Verdict, text: str) -> None:
    facts = RunFacts(MANIFEST)
    facts.add_plays([replace(PLAY, play=name) for name in plays])
    [reason] = [each for each in facts.reasons() if each.id == "META plays"]
    assert (reason.verdict, reason.text) == (verdict, text)
    assert Messages.of(Lang.PT_BR).sentence(reason.text).lang is Lang.PT_BR


def test_plays_of_an_older_run_do_not_say_which_they_are() -> None:
    facts = RunFacts(MANIFEST)
    facts.add_plays([PLAY, replace(PLAY, play="early")])
    assert "META plays" not in {each.id for each in facts.reasons()}


def test_every_play_that_there_is_is_asked_for() -> None:
    assert set(PLAYS) | set(LONG_PLAYS) == PLAY_NAMES


def test_no_play_is_no_result() -> None:
    assert judge_plays([]) == ()


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (replace(PLAY, arm=replace(GOOD, ledger=LEDGER[:2])), "early: LOST: step bill counts as done"),
        (replace(PLAY, arm=FAILED), "early: OUT: status: value"),
        (asked("install()", failure=BOOM), "early: install(): exception, ValueError: boom"),
        (asked("read", changed=True), "early: read: the execution's rows are not what they were"),
        (asked(HELD, failure=BOOM), "holds: exception, ValueError: boom"),
        (asked(f"{BROKEN}: a cycle"), "a cycle: it was accepted, instead of PayloadRefused or WorkflowRefused"),
        (asked(f"{BROKEN}: a cycle", failure=BOOM), "a cycle: exception, ValueError: boom, instead of PayloadRefused"),
        (asked(f"{BROKEN}: a cycle", failure=REFUSED, changed=True), "a cycle: the execution's rows are not"),
        (asked(f"{HARD}: a NUL", failure=BOOM), "a NUL: exception, ValueError: boom, instead of PayloadRefused"),
        (asked(f"{HARD}: a NUL", changed=True), "a NUL: the execution's rows are not what they were"),
        (asked(f"{ANOTHER}, with no metadata", failure=BOOM), "with no metadata: exception, ValueError: boom, instead"),
        (asked("execute()", refused=False), "early: execute(): was not refused"),
        (asked("execute()", refused=False, failure=BOOM), "not refused, but ended in ValueError: boom"),
        (asked(f"{DAMAGED}: one is gone", failure=BOOM, changed=True, calls=0), "the execution's rows are not what"),
        (asked(f"{DAMAGED}: one is gone", failure=BOOM, changed=False, calls=2), "activities were called: 2"),
        (replace(asked(f"{DAMAGED}: one is gone", calls=1), arm=FAILED), "early: OUT: status: value"),
        (asked(f"{OUTDATED}: it was cancelled", calls=1), "it was cancelled: activities were called: 1"),
        (asked(CANCELLED, failure=BOOM), f"{CANCELLED}: exception, ValueError: boom"),
    ],
)
def test_what_is_wrong_with_a_play_is_said(play: PlayRecord, words: str) -> None:
    messages = told(play)
    assert "SIGNAL" in {check for check, message in messages if words in message}
    assert any(words in message for _, message in messages)


@pytest.mark.parametrize(
    "play",
    [
        asked(HELD, failure=LOST),
        asked(UNKNOWN, failure=BOOM),
        asked("read", changed=False),
        asked(f"{OUTDATED}: it was overtaken", calls=0),
        asked(CANCELLED),
        asked("install()"),
        asked(f"{BROKEN}: a cycle", failure=REFUSED, changed=False),
        asked(f"{HARD}: a NUL", failure=REFUSED, changed=False),
        asked(f"{HARD}: a NUL", changed=False),
        asked(f"{ANOTHER}, with another input", failure=REFUSED),
        asked(f"{ANOTHER}, with another input"),
        asked("execute()", refused=True, failure=BOOM),
        asked(f"{DAMAGED}: one is gone", calls=1),
        asked(f"{DAMAGED}: one is gone", failure=BOOM, changed=False, calls=0),
        replace(asked(f"{DAMAGED}: one is gone", failure=BOOM, changed=False, calls=0), arm=WAITING),
    ],
)
def test_a_worker_may_refuse_what_it_cannot_do(play: PlayRecord) -> None:
    assert told(play) == []


def test_the_other_order_is_as_right() -> None:
    wrong = replace(PLAY, scenario=scenario_text(replace(SCENARIO, input=2)))
    assert told(wrong)
    assert told(replace(wrong, also=PLAY.scenario)) == []


def test_a_secret_in_a_play_s_log_is_one_for_secret() -> None:
    leaking = replace(GOOD, logs=(*GOOD.logs, f"given {TOKEN}"))
    assert ("SECRET", "early: 1 of 11 log lines tell of payloads, first line 11") in told(replace(PLAY, arm=leaking))


def test_what_shows_without_the_play_counts_for_the_check_that_found_it() -> None:
    """A play is there to show what becomes of an execution, and not that its metadata is lost as everywhere."""
    renamed = replace(GOOD, metadata={"Tenant": "t-1"})
    for check in ("SIGNAL", "RESUME", "IDENT"):
        [finding] = [
            each for result in judge_plays([replace(PLAY, check=check, arm=renamed)]) for each in result.findings
        ]
        assert (finding.check, finding.message) == (
            "IDENT",
            "early: the request's metadata 'Tenant' is None in the execution's row",
        )


def test_a_finding_names_its_play() -> None:
    [result] = judge_plays([replace(asked("install()", failure=BOOM), play="again")])
    assert [(each.trial, each.scenario) for each in result.findings] == [(0, "the play again")]


def test_the_control_may_have_the_flaws_that_it_has_alone() -> None:
    after = replace(PLAY, check="INSTALL", role="control", arm=FAILED)
    assert {check for check, _ in told(after)} == {"INSTALL"}
    assert told(replace(after, alone=True), after) == []


def read(*rows: Reread) -> Sequence[Finding]:
    return judge_rereads(rows).findings


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (replace(READ, changed=True, journal=JOURNAL), "it is not what it was: now completed, with 3 steps"),
        (replace(READ, changed=True), "nothing is left of it"),
        (replace(READ, failure=BOOM), "read again at the end of the run: exception, ValueError: boom"),
        (replace(READ, tables=("workflow_metrics",)), "the table workflow_metrics does not say what the journal says"),
    ],
)
def test_an_execution_that_is_not_the_same_later_is_found(row: Reread, words: str) -> None:
    [finding] = read(READ, row)
    assert words in finding.message
    assert (finding.check, finding.trial, finding.arm) == ("READ", 7, "candidate_again")


def test_an_execution_that_is_the_same_is_examined() -> None:
    assert judge_rereads([]).examined == 0
    assert judge_rereads([READ, replace(READ, tables=None)]).examined == 2
    assert read(READ) == ()


def test_a_key_of_two_executions_is_found_over_the_whole_run_however_it_is_gathered() -> None:
    first = Trial(number=1, scenario=SCENARIO, arms={"candidate": GOOD})
    other = UUID(int=3)
    ledger = tuple(replace(each, execution_id=other) for each in LEDGER)
    second = Trial(
        number=2, scenario=SCENARIO, arms={"candidate": replace(GOOD, execution_id=other, ledger=ledger, companions=())}
    )
    keys, apart = RunKeys(), RunKeys()
    keys.add(first)
    assert (keys.result().examined, keys.result().findings) == (2, ())
    apart.add(second)
    keys.absorb(apart.part())
    seconds = {finding.witness["second"] for finding in keys.result().findings}
    assert seconds == {f"{other}/ship", f"{other}/bill"}


def test_a_run_of_an_older_version_has_no_keys_to_compare() -> None:
    old = replace(GOOD, ledger=tuple(replace(each, execution_id=None) for each in LEDGER), companions=())
    keys = RunKeys()
    keys.add(Trial(number=1, scenario=SCENARIO, arms={"candidate": old}))
    assert keys.result().examined == 0
