"""The HTML report: inert whatever it is given, whole without a network, complete, and never silently cut."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from cutover.harness.judge.policy.gate import StageVerdict
from cutover.reports import html
from cutover.reports.document import Document
from cutover.reports.history import History, PastRun
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.mutants import KillPart, MatrixPart

VOID = {"meta", "br", "hr", "img", "input", "link", "base"}
LEAST = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "table", "svg", "rect", "code"}
PAST = History(
    (PastRun("2026-01-01 10:00", "r0", 0, "GO", "v2", 600), PastRun("2026-01-01 11:00", "r1", 10, "X", "v2", 6)), 3, 1
)
KILL = KillPart(
    kind="engine", id="never-renews", pattern="a lease that is never renewed", check="FENCE", good=False,
    others=("CONC",), findings={"CONC": 1}, witness="w", looked_at=3, seconds=1.0, problem="",
)  # fmt: skip
MUTANTS = MatrixPart(good=False, headline="FAIL: 0 of 1 mutants killed", seed=1, seconds=2.0, kills=(KILL,))


class Page(HTMLParser):
    """What a browser would see: every element with its attributes, checked to be well nested, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.styles if self._open[-1:] == ["style"] else self.words).append(data)

    @property
    def shape(self) -> list[tuple[str, ...]]:
        return [(tag, *sorted(attributes)) for tag, attributes in self.elements]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def render(document: Document, lang: Lang = Lang.EN) -> str:
    return html.render(document, lang=lang, history=PAST, mutants=MUTANTS)


@pytest.mark.parametrize("lang", list(Lang))
def test_nothing_in_it_runs_and_nothing_is_fetched(document: Document, lang: Lang) -> None:
    page = Page(render(document, lang))
    tags = {tag for tag, _ in page.elements}
    assert tags >= LEAST
    assert not tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "use",
        "foreignobject",
        "video",
    }
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in {"style", "src", "srcset", "xlink:href"} for name in attributes)
        assert attributes.get("href", "#").startswith("#")
    assert len(page.styles) == 1
    assert not re.search(r"url\(|@import|expression|</", page.styles[0])


def test_its_policy_allows_its_own_style_and_nothing_else(document: Document) -> None:
    page = Page(render(document))
    policies = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    hashed = base64.b64encode(hashlib.sha256(page.styles[0].encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"]
    heads = [tag for tag, _ in page.elements]
    assert heads[:4] == ["html", "head", "meta", "meta"]  # before anything that could load


def test_hostile_text_changes_nothing_but_words(poisoned: Callable[[str], Document], hostile: str) -> None:
    text = render(poisoned(hostile))
    assert Page(text).shape == Page(render(poisoned("x"))).shape
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert len(text.encode()) < html.MAX_BYTES


def test_hostile_earlier_runs_and_mutants_change_nothing_but_words(document: Document, hostile: str) -> None:
    def page(text: str) -> Page:
        past = PastRun(text, text, 10, text, text, 6)
        kill = KILL.model_copy(update={"id": text, "pattern": text, "others": (text,)})
        mutants = MUTANTS.model_copy(update={"kills": (kill,), "headline": text})
        return Page(html.render(document, history=History((past,)), mutants=mutants))

    assert page(hostile).shape == page("x").shape


@pytest.mark.parametrize("lang", list(Lang))
def test_ids_are_unique_and_every_reference_leads_to_one(document: Document, lang: Lang) -> None:
    elements = Page(render(document, lang)).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for _, a in elements if "href" in a}
    assert targets >= {
        "evidence",
        "sides",
        "differences",
        "checks",
        "crash",
        "mutants",
        "history",
        "untested",
        "reproduce",
    }
    named = {name for _, a in elements for name in a.get("aria-labelledby", "").split()}
    assert targets | named <= set(ids)
    assert elements[0] == ("html", {"lang": str(lang)})


def test_every_chart_is_xml_with_a_title_and_what_it_shows_in_words(document: Document) -> None:
    charts = re.findall(r"<svg.*?</svg>", render(document), re.DOTALL)
    assert len(charts) == 6  # both durations, classes, both maps, earlier runs
    for chart in charts:
        root = ET.fromstring(chart)  # noqa: S314 - made by ourselves
        assert root.attrib["role"] == "img"
        assert (root[0].tag, root[1].tag) == ("title", "desc")
        assert (root[0].text or "").strip()
        assert (root[1].text or "").strip()


def test_it_tells_the_evidence(document: Document) -> None:
    text = Page(render(document)).text
    for told in (
        "99.5% de taxa de sucesso", ">= 99.5 %", "99.8 %", "349", "in production",  # the plan's words, and numbers
        "98 %", "99.996 %", "+2 points", "-33.3 %", "8.9 ms",  # side by side
        "P95 limit 100 ms", "mean limit 150 ms (other stages)", "2 values were no positive number",
        "REGRESSION 2", "IMPROVEMENT 98", "no-retry",
        "8 / 9", "9 of 20 planned cases were played", "4/5", "cutover replay 04@answer:3/once",
        "never-renews", "NOT CAUGHT", "the router's split was not tested", "cutover run --seed 1",
        "Older runs left out: 3", "could not be read: 1",
    ):  # fmt: skip
        assert told in text, told


@pytest.mark.parametrize("verdict", list(StageVerdict))
@pytest.mark.parametrize("lang", list(Lang))
def test_the_verdict_comes_first_with_what_to_do(document: Document, verdict: StageVerdict, lang: Lang) -> None:
    text = Page(render(document.model_copy(update={"verdict": verdict}), lang)).text
    say = Messages.of(lang)
    action = say(f"action.{verdict}", control="v1", candidate="v2")
    assert say(f"verdict.{verdict}") in text[:200]
    assert text.index(action) < text.index(say("evidence.title"))


def test_portuguese_is_portuguese(document: Document) -> None:
    text = Page(render(document, Lang.PT_BR)).text
    assert "NO-GO para o estágio 0 %: violados: OUT." in text
    assert "99,996 %" in text
    assert "a divisão do roteador não foi testada" in text
    for english in ("Why not GO", "Criteria of this stage", "crash cases", "Bound", "planned"):
        assert english not in text


def test_a_report_without_anything_says_so_and_draws_nothing(document: Document) -> None:
    empty = document.model_copy(
        update=dict.fromkeys(
            ("criteria", "checks", "differences", "side_by_side", "distributions", "not_tested", "failed_scenarios"), ()
        )
        | {"crash": None, "blocking": ()}
    )
    page = Page(html.render(empty))
    assert "Why not GO" not in page.text
    assert "No crash case was played in this run." in page.text
    assert "This is the first run in its folder." in page.text
    assert page.text.count("None.") == 3
    assert sum(tag == "svg" for tag, _ in page.elements) == 1  # the classes, all of them zero


def test_what_is_left_out_is_counted(document: Document) -> None:
    line = "no crash case touched a join at request"
    text = Page(html.render(document.model_copy(update={"not_tested": (line,) * 1234}))).text
    assert "1,034 more are left out here; the JSON report has them all." in text


def test_a_report_too_large_is_cut_further_and_says_so(document: Document) -> None:
    part = document.criteria[0].model_copy(update={"words": "ã" * 3000, "decided": "é" * 5000})
    samples = tuple(finding.model_copy(update={"reproduce": "r" * 2000}) for finding in document.checks[0].samples)
    check = document.checks[0].model_copy(update={"samples": samples})
    long = document.model_copy(
        update={"criteria": (part,) * 5_000, "checks": (check,) * 5_000, "differences": _kinds(document, 5_000)}
    )
    text = html.render(long)
    assert len(text.encode()) < html.MAX_BYTES
    assert Page(text).text.count("4,950 more are left out here; the JSON report has them all.") == 3


def _kinds(document: Document, many: int) -> tuple[object, ...]:
    first = document.differences[0]
    return tuple(first.model_copy(update={"fingerprint": f"value steps/{n}/{'y' * 300}"}) for n in range(many))
