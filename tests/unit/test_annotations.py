"""The GitHub annotations: read back as GitHub's runner reads them, none added by a name, none left out silently."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.reports import github
from cutover.reports.document import Document
from cutover.reports.messages import Lang

Command = tuple[str, dict[str, str], str]


SIGNED = "to be by key 5f1dbe9e07a1, which only `cutover verify RUN --key FILE` proves"


def read(text: str) -> list[Command]:
    """The commands of a log, as actions/runner's ActionCommand.TryParseV2 reads them, with its unescaping."""
    commands = []
    for line in text.splitlines():
        assert "##[" not in line  # the older syntax is found anywhere in a line
        if not line.strip().startswith("::"):
            continue
        head, _, data = line.strip()[2:].partition("::")
        name, _, listed = head.partition(" ")
        properties = dict(each.split("=", 1) for each in listed.split(",") if each)
        commands.append((name, {key: _back(value) for key, value in properties.items()}, _back(data)))
    return commands


def _back(value: str) -> str:
    for escaped, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        value = value.replace(escaped, sign)
    return value


def test_the_headline_comes_first_then_each_reason(document: Document) -> None:
    assert read(github.render(document)) == [
        ("error", {"title": "Cutover: NO-GO"}, "NO-GO for stage 0 %: broken: OUT."),
        ("error", {"title": "OUT: FAIL"}, "1 finding; trial 7"),
        ("warning", {"title": "success: INCONCLUSIVE"}, "1 in 600, wanted 0"),
        ("notice", {"title": "Cutover: To reproduce"}, "cutover run --seed 1"),
        ("notice", {"title": "Cutover: Signature"}, SIGNED),
    ]


@pytest.mark.parametrize(
    ("verdict", "level"), [("GO", "notice"), ("NO-GO", "error"), ("INCONCLUSIVE", "warning"), ("ROLLBACK", "error")]
)
def test_the_level_is_the_verdict_s(document: Document, verdict: str, level: str) -> None:
    told = document.model_copy(update={"verdict": StageVerdict(verdict), "blocking": ()})
    assert [name for name, _, _ in read(github.render(told))] == [level, "notice", "notice"]


def test_percent_signs_colons_and_commas_come_back() -> None:
    line = github.command("error", "50 %: a, b %0A", "100 %, 12:30 %0A::notice::x")
    assert read(line) == [("error", {"title": "50 %: a, b %0A"}, "100 %, 12:30 %0A: :notice: :x")]
    assert line == "::error title=50 %25%3A a%2C b %250A::100 %25, 12:30 %250A: :notice: :x"


def test_hostile_names_add_no_command(poisoned: Callable[[str], Document], hostile: str) -> None:
    def shape(text: str) -> list[tuple[str, ...]]:
        return [(name, *properties) for name, properties, _ in read(github.render(poisoned(text)))]

    text = github.render(poisoned(hostile))
    assert shape(hostile) == shape("x")
    assert len(text.splitlines()) == 5
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_more_than_github_shows_are_counted(document: Document) -> None:
    bad = document.blocking[0]
    undecided = bad.model_copy(update={"verdict": Verdict.INCONCLUSIVE})
    many = document.model_copy(update={"blocking": (bad,) * 30 + (undecided,) * 10})
    commands = read(github.render(many))
    errors = [message for name, _, message in commands if name == "error"]
    warnings = [message for name, _, message in commands if name == "warning"]
    assert (len(errors), errors[-1]) == (github.MOST, "22 more are in the report")  # the headline is one of ten
    assert len(warnings) == 10
    assert "more are" not in warnings[-1]


def test_portuguese(document: Document) -> None:
    first = read(github.render(document, lang=Lang.PT_BR))[0]
    assert first == ("error", {"title": "Cutover: NO-GO"}, "NO-GO para o estágio 0 %: violados: OUT.")
