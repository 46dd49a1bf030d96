"""The languages of the reports: both have everything, and the judge's own sentences are known in both."""

from __future__ import annotations

import itertools
import re
import string
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from cutover.harness.judge import flag, meta, plays
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.crash.checks import HOLDS_WHEN
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.measurements import (
    Count,
    Gauge,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
)
from cutover.harness.judge.policy.criteria import CriterionResult, judge, not_measured, nothing_measured
from cutover.harness.judge.policy.gate import Reason, Severity, StageVerdict
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import Criterion
from cutover.harness.judge.policy.wording import threshold
from cutover.harness.judge.summaries import coverage, sides
from cutover.harness.judge.summaries.headline import JudgedCounts, headline
from cutover.harness.judge.summaries.material import MaterialCollector
from cutover.reports.messages import Lang, Messages, catalogue
from cutover.reports.parts.crash import headline as crash_headline
from cutover.scenarios.generated.combining import FEATURES
from cutover.scenarios.generated.nesting import NESTED

PT = Messages.of(Lang.PT_BR)
REPORTS = Path(__file__).parents[2] / "reports"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def untold(sentences: list[str]) -> list[str]:
    """The sentences of which some part stays English."""
    return [text for text in sentences if any(part.lang is not Lang.PT_BR for part in PT.parts(text, "; "))]


def test_both_languages_have_all_keys_with_the_same_names_to_fill_in() -> None:
    english, portuguese = catalogue(Lang.EN), catalogue(Lang.PT_BR)
    assert english.keys() == portuguese.keys()
    assert [key for key in english if places(english[key]) != places(portuguese[key])] == []
    assert all(text.strip() for text in portuguese.values())


def test_every_message_that_a_report_asks_for_exists_and_none_is_left_over() -> None:
    sources = [*REPORTS.rglob("*.jinja"), *REPORTS.rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    english = catalogue(Lang.EN)
    tables = "|".join({key.split(".")[0] for key in english})
    asked = {key for key in re.findall(rf'"((?:{tables})\.[a-z_]+)"', text) if not key.endswith("_")}
    assert sorted(asked - english.keys()) == []
    built = (
        *("verdict.", "action.", "tile.", "crash.point_", "latency.", "checkpoint.", "mutants."),
        *("material.kind_", "material.place_", "machine.moment_"),
    )
    titles = {f"{name}.title" for name in ("evidence", "sides", "differences", "checks", "crash", "history")}
    assert sorted(key for key in english.keys() - asked - titles if not key.startswith(built)) == []


def test_every_phrase_has_its_places_in_every_language() -> None:
    listed = tomllib.loads(
        resources.files("cutover.reports").joinpath("messages/phrases.toml").read_text(encoding="utf-8")
    )
    for phrase in listed["phrase"]:
        assert phrase.keys() == {"en", "pt-BR"}
        assert places(phrase["pt-BR"]) <= places(phrase["en"]), phrase["en"]


def test_numbers_are_written_as_in_brazil() -> None:
    assert PT.number(0.99502, "share") == "99,502 %"
    assert PT.count(1_234_567) == "1.234.567"
    assert PT.needed(None) == "-"


def test_a_sentence_is_told_with_its_parts() -> None:
    english = (
        "100 % in 1,200 (95 % bounds 97.534 % and 100 %), wanted >= 99.5 %; 478 more without a failure would decide"
    )
    told = "; ".join(part.text for part in PT.parts(english, "; "))
    assert told == (
        "100 % em 1.200 (cotas de 95 %: 97,534 % e 100 %), queria-se >= 99,5 %; mais 478 sem falha decidiriam"
    )


def test_an_unknown_sentence_stays_as_it_is_and_says_that_it_is_english() -> None:
    said = PT.sentence("the {frobnicator} of 1,000.5 is late")
    assert (said.text, said.lang) == ("the {frobnicator} of 1,000.5 is late", Lang.EN)
    assert Messages.of(Lang.EN).sentence("anything").lang is Lang.EN


def test_a_hostile_sentence_neither_fills_in_nor_takes_long() -> None:
    hostile = "OUT says: {0.__class__} {name} " + "; ".join(["1 in 2, wanted "] * 2_000)
    assert "{0.__class__}" in PT.sentence(hostile).text


def test_the_checks_are_told_in_portuguese() -> None:
    assert (
        untold([*(check.holds_when for check in CHECKS.values()), *HOLDS_WHEN.values(), *plays.HOLDS_WHEN.values()])
        == []
    )
    assert untold([flag.HOLDS_WHEN]) == []


def test_thresholds_are_told_in_portuguese() -> None:
    assert (
        untold(
            [threshold(each) for each in default_policy().criteria if not re.match(r"^[\d.]+( %)?$", threshold(each))]
        )
        == []
    )


def test_the_numbers_of_both_engines_are_told_in_portuguese() -> None:
    assert untold([words for _, words, _, _ in sides._NUMBERS]) == []


def test_what_a_run_says_nothing_of_is_told_in_portuguese() -> None:
    nothing = CrashTally("v2", 1).summary()
    assert untold([*coverage._BEYOND.values(), f"no scenario has {', '.join(coverage._PARTS.values())}"]) == []
    away = [not_measured(each) for each in default_policy().criteria if each.source == "production"]
    sentences = [f"{each.criterion.words} ({each.criterion.id}): only production can tell" for each in away]
    assert untold(sentences) == []
    death = "the server did not die: what its death takes along was not tested"
    assert untold([crash_headline(nothing), death, "no crash case touched an activity at call, reply"]) == []


def test_facts_about_the_run_are_told_in_portuguese() -> None:
    assert untold([*meta._GOOD.values(), meta._CHOSEN]) == []


def test_what_the_material_lacks_is_told_in_portuguese() -> None:
    lacks = list(MaterialCollector().summary().lacks())
    assert len(lacks) == 6
    assert untold(lacks) == []
    assert untold([*FEATURES, *(name for pair in NESTED for name in pair)]) == []


def measurements(criterion: Criterion) -> list[Measurement]:
    """One that is good, one that is bad, one too small, one broken, as the criterion's statistic wants them."""
    match criterion.condition.statistic:
        case "share":
            return [
                Share(successes=s, n=n, unknown=u) for s, n, u in ((2000, 2000, 0), (0, 2000, 0), (3, 4, 1), (0, 0, 0))
            ]
        case "count":
            return [Count(count=c, n=n) for c, n in ((0, 2000), (9, 2000), (0, 3), (0, 0))]
        case "mean" | "quantile":
            return [Samples(values=np.array(v)) for v in ([1.0] * 400, [900.0] * 400, [1.0], [np.nan, 1.0], [])]
        case "ratio":
            good, slow = np.linspace(1, 9, 400), np.linspace(10, 90, 400)
            return [Pairs(control=good, candidate=c) for c in (good, slow, np.full(400, np.nan))]
        case "paired":
            return [
                Paired(worse=w, better=0, bad_control=0, bad_candidate=w, n=2000, unknown=u)
                for w, u in ((0, 0), (30, 2))
            ]
        case "level":
            return [Gauge(value=v) for v in (0.5, 9.0, float("nan"))]


def test_what_criteria_say_is_told_in_portuguese() -> None:
    criteria = default_policy().criteria
    results = [judge(each, measured) for each in criteria for measured in measurements(each)]
    results.append(nothing_measured(criteria[0]))
    assert {result.verdict for result in results} >= {Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.INVALID}
    assert untold([result.reason for result in results]) == []


@pytest.mark.parametrize("verdict", list(StageVerdict))
def test_headlines_are_told_in_portuguese(verdict: StageVerdict) -> None:
    severity: Severity = "rollback" if verdict is StageVerdict.ROLLBACK else "gate"
    broken = Verdict.INCONCLUSIVE if verdict is StageVerdict.INCONCLUSIVE else Verdict.FAIL
    text = "0 in 3, wanted 0; 9 more without a failure would decide"
    for many in (1, 5):
        reasons = [
            Reason(part="criterion", id=f"c{i}", verdict=broken, severity=severity, text=text) for i in range(many)
        ]
        results: list[CriterionResult] = [
            judge(each, m) for each in default_policy().criteria for m in measurements(each)
        ]
        told = headline(
            verdict, 10, reasons, results, JudgedCounts(trials=600, failed=many, cases=1, waived=many, drawn=many)
        )
        said = PT.sentence(told)
        assert said.lang is Lang.PT_BR, told
        assert not re.search(r"\b(the|would|passed|broken|more|says)\b", said.text), said.text


def test_no_language_is_without_a_catalogue() -> None:
    for lang, key in itertools.product(Lang, ("page.title", "verdict.GO")):
        assert catalogue(lang)[key]
