"""Waivers and noise as parts of the report, from what the judge says to every format."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pytest
from rich.console import Console
from rows import MANIFEST

from cutover.harness.judge.analysis import Analysis, analyse
from cutover.harness.judge.differences.noise import NoisyPath
from cutover.harness.judge.differences.waivers import Waiver, WaiverUse
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.loading import default_policy
from cutover.reports import html, markdown
from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.differences import NoisePart, noise_parts, waiver_parts
from cutover.reports.terminal import report as terminal

WAIVER = Waiver(
    id="cents",
    owner="ana@example.org",
    reason="V2 rounds to cents.",
    expires=date(2025, 3, 1),
    most_hits=10,
    path="steps/*/output.total",
    klass="REGRESSION",
)
USED = WaiverUse(waiver=WAIVER, hits=3, verdict=Verdict.PASS, text="3 paths of at most 10")
UNUSED = WaiverUse(
    waiver=replace(WAIVER, id="old", scenario="billing-*", kind="missing", klass=None),
    hits=0,
    verdict=Verdict.FAIL,
    text="it covers nothing any more; remove it (ana@example.org)",
)
NOISY = NoisyPath(workflow="w", path="output.at", own=9, worse=1, better=2, p_value=0.875, noise=True)


@pytest.fixture
def analysis() -> Analysis:
    """Of a run without trials: what follows is put into it."""
    return analyse(MANIFEST, (), default_policy(), 0)


def on_terminal(document: Document, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        terminal.render(document, console)
    return captured.get()


def test_a_waiver_comes_over_whole(analysis: Analysis) -> None:
    used, unused = waiver_parts(replace(analysis, waivers=(USED, UNUSED)))
    assert used.model_dump(mode="json") == {
        "id": "cents",
        "owner": "ana@example.org",
        "reason": "V2 rounds to cents.",
        "path": "steps/*/output.total",
        "scenario": "*",
        "kind": None,
        "class": "REGRESSION",
        "expires": "2025-03-01",
        "hits": 3,
        "most_hits": 10,
        "verdict": "PASS",
        "text": "3 paths of at most 10",
    }
    assert (unused.scenario, unused.kind, unused.klass, unused.verdict) == ("billing-*", "missing", None, "FAIL")


def test_noise_comes_over_whole(analysis: Analysis) -> None:
    assert noise_parts(replace(analysis, noise=(NOISY,))) == (
        NoisePart(workflow="w", path="output.at", own=9, worse=1, better=2, p_value=0.875, noise=True),
    )


WAIVED = (
    "rounding-in-v2",
    "ana@example.org",
    "V2 rounds half to even",
    "2025-03-31",
    "old-currency",
    "rui@example.org",
)
MISUSED = "it covers nothing any more"


def test_the_terminal_tells_who_answers_and_what_is_noise(document: Document) -> None:
    text = " ".join(on_terminal(document, 200).split())
    for told in (*WAIVED, MISUSED, "3 of 10", "0 of 5", "steps/quote/output.offers", "0.8281", "more than noise"):
        assert told in text, told


@pytest.mark.parametrize("form", [html.render, markdown.render])
def test_the_pages_tell_who_answers_and_what_is_noise(document: Document, form: object) -> None:
    assert callable(form)
    text = form(document).replace("&#64;", "@").replace("&#95;", "_")
    for told in (*WAIVED, MISUSED, "3 / 10", "0 / 5", "steps/quote/output.offers", "0.8281", "more than noise"):
        assert told in text, told


@pytest.mark.parametrize("form", [html.render, markdown.render])
def test_in_portuguese(document: Document, form: object) -> None:
    assert callable(form)
    text = form(document, lang=Lang.PT_BR)
    for told in ("Dispensas", "Ruído", "não cobre mais nada; remova-a", "mais que ruído", "0,8281"):
        assert told in text, told
    for english in ("Waivers", "Overused", "more than noise", "covers nothing"):
        assert english not in text


def test_without_waivers_and_noise_nothing_is_said_of_them(document: Document) -> None:
    none = document.model_copy(update={"waivers": (), "noise": ()})
    for text in (on_terminal(none), html.render(none), markdown.render(none)):
        assert "Waiver" not in text
        assert "Noise" not in text


def test_a_report_from_before_is_still_read(document: Document) -> None:
    old = document.model_dump(mode="json")
    del old["waivers"], old["noise"]
    assert Document.model_validate(old).waivers == ()


def test_what_becomes_of_a_waiver_is_told_in_portuguese() -> None:
    say = Messages.of(Lang.PT_BR)
    for text in (
        "it ended on 2025-03-01; mend what it was for, or have ana@example.org renew it",
        "it covers nothing any more; remove it (ana@example.org)",
        "it covers 11 paths, and at most 10 were answered for",
    ):
        assert say.sentence(text).lang is Lang.PT_BR, text


def test_a_table_of_many_is_cut_and_says_so(document: Document) -> None:
    many = document.model_copy(update={"noise": document.noise * 700, "waivers": document.waivers * 700})
    assert "1,390 more in the other formats" in on_terminal(many)
    for text in (html.render(many), markdown.render(many)):
        assert text.count("1,200 more are left out here") == 2
