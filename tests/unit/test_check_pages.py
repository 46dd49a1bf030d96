"""The pages of docs/checks: their histories are the tests of the checks, and no check and no history is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checks.judged import Sentence, judged
from checks.lines import HistoryError
from checks.listed import LIST, expected_list, list_in, sentences
from checks.pages import FOLDER, PARTS, CheckPage, PageHistory, histories_in, page_of, pages

from cutover.harness.judge import flag, plays
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.costs.judgement import PERF
from cutover.harness.judge.crash.tally import CRASH_CHECK_IDS
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.loading import default_policy

PAGES = pages()
HISTORIES = [history for page in PAGES for history in page.histories]


@pytest.mark.parametrize("history", HISTORIES, ids=[f"{each.check}-{each.place}" for each in HISTORIES])
def test_the_check_makes_of_a_history_what_the_page_says(history: PageHistory) -> None:
    assert judged(history.check, history.rows) == history.says


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    assert {page.check for page in PAGES} == set(sentences())
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", *(f"{name.lower()}.md" for name in sentences())}
    assert {check for stage in default_policy().stages for check in stage.required_checks} < set(sentences())


@pytest.mark.parametrize("page", PAGES, ids=[page.check for page in PAGES])
def test_a_page_says_all_that_a_page_should(page: CheckPage) -> None:
    sentence = sentences()[page.check]
    assert page.sentence == f"{sentence[0].upper()}{sentence[1:]}."
    assert page.parts == PARTS
    assert page.blocks == 2 * len(page.histories), "a fence that is no history is a history that nobody evaluates"


@pytest.mark.parametrize("page", PAGES, ids=[page.check for page in PAGES])
def test_a_page_has_a_good_history_and_two_that_are_bad_in_different_ways(page: CheckPage) -> None:
    assert any(history.good for history in page.histories)
    bad = [history for history in page.histories if history.says[0].verdict in {Verdict.FAIL, Verdict.INVALID}]
    assert len({wording(history.says[0]) for history in bad}) >= 2


def wording(sentence: Sentence) -> str:
    """The sentence without what is quoted and counted in it, which another history of the same kind may have too."""
    return re.sub(r"[0-9][\w-]*|'[^']*'|\"[^\"]*\"", "", sentence.text)


def test_the_list_is_that_of_the_code() -> None:
    assert list_in(LIST.read_text(encoding="utf-8")) == expected_list(), "python tests/checks writes it anew"


def test_the_list_has_every_check_of_every_register() -> None:
    registers = {*CHECKS, *CRASH_CHECK_IDS, *plays.HOLDS_WHEN, flag.FLAG, PERF, "META"}
    assert registers == set(sentences())
    assert {name: check.holds_when for name, check in CHECKS.items()}.items() <= sentences().items()


def test_the_example_of_the_notation_is_a_history() -> None:
    (example,) = histories_in("DUP", LIST.read_text(encoding="utf-8"))
    assert judged("DUP", example.rows) == example.says


def test_the_list_says_where_a_check_is_made_and_who_requires_it() -> None:
    rows = {line.split("](")[0].removeprefix("| ["): line for line in expected_list().splitlines()[2:]}
    assert len(rows) == len(sentences())
    assert rows["OUT"].endswith("| trials | every stage |")
    assert rows["RESUME"].endswith("| crash cases, plays | every stage |")
    assert rows["IDENT"].endswith("| trials, crash cases, plays, the run's keys | every stage |")
    assert rows["META"].endswith("| crash cases, the run itself | every stage, by whatever policy |")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("call ship efect=none", "LedgerEntry has no field 'efect'"),
        ("call ship effect=twice", "Input should be 'applied', 'deduplicated' or 'none'"),
        ("call ship attempt=1 attempt=2", "a field comes twice"),
        ("step ship status=done", "Input should be"),
        ("step", "a line of step is about one thing"),
        ("event ship COMPLETE", "write event ship pending START running"),
        ("steps ship", "such a history has lines of"),
        ("call ship at=noon", "'noon' is no time"),
        ("at the crash:\nstep ship", "such a history has lines of"),
        ("case flow@call:1/once\nat noon:\nstep ship", "'at noon:' is no heading"),
        ("case flow@call:1/once\nreread", "such a history has lines of"),
        ("node bill kind=wait\nstep ship", "no flow has the node bill"),
        ("flow start\nstep ship", "write flow start > ship > bill"),
        ("log", "no event stands before it"),
        ("event ship pending START running\nlog mood=good", "a log line has level, type"),
        ("no events", "only a journal can be said not to be there"),
        ("arm candidate\nstep ship\narm candidate\nstep ship", "arm candidate comes twice"),
        ("scenario title=alone", "the history is empty"),
    ],
)
def test_a_history_with_a_slip_is_refused(rows: str, problem: str) -> None:
    with pytest.raises(HistoryError, match=re.escape(problem)):
        judged("DUP", rows)


@pytest.mark.parametrize(
    "block",
    [
        "```history\ncall ship\n```",  # says nothing
        "```histroy\ncall ship\n=> PASS\n```",
        "```text\ncall ship\n=> PASS\n```",
    ],
)
def test_a_block_that_no_test_could_evaluate_is_refused(tmp_path: Path, block: str) -> None:
    path = tmp_path / "dup.md"
    path.write_text(f"# DUP\n\nNothing twice.\n\n{block}\n", encoding="utf-8")
    with pytest.raises(HistoryError, match="block 1: a block is a history and ends with lines like => PASS"):
        page_of(path)


def test_a_wrong_verdict_or_sentence_on_a_page_is_noticed() -> None:
    rows = "call ship\ncall ship effect=deduplicated"
    right = Sentence(Verdict.FAIL, "step ship: attempt 1 was called 2 times though nothing died")
    assert judged("DUP", rows) == (right,)
    assert judged("DUP", "call ship") == (Sentence(Verdict.PASS),)
    nothing = Sentence(Verdict.INCONCLUSIVE, "it found nothing to look at in the candidate")
    assert judged("DUP", "step ship") == (nothing,)
