"""The report document and its formats, on a literal analysis with hostile names."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from cutover.harness.judge.analysis import (
    Analysis,
    CheckSummary,
    CriterionResult,
    DifferenceSample,
    DifferenceSummary,
    SideBySide,
)
from cutover.harness.judge.crash.tally import CoverageCell, CrashSummary
from cutover.harness.judge.findings import Difference, DifferenceClass, Finding, Verdict
from cutover.harness.judge.policy.gate import Reason, StageVerdict
from cutover.harness.judge.policy.model import Condition, Criterion
from cutover.harness.record.cases import Way
from cutover.harness.record.trials import EngineInfo, Manifest
from cutover.reports import markdown
from cutover.reports.document import Document, build, json_schema
from cutover.reports.messages import Lang
from cutover.reports.parts.evidence import _finding
from cutover.reports.parts.run import Commands
from cutover.reports.terminal import report as terminal

HOSTILE = "<script>alert(1)</script>|`x`\n::error::pwned [a](javascript:1) \x1b[31m </style> *b* $x$ @team #1"

MANIFEST = Manifest(
    run_id="20260102-030405-1a2b3c",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    cutover_version="0.1.0",
    seed=1,
    stage=0,
    control=EngineInfo(spec="v1", name="v1", digest="a" * 64),
    candidate=EngineInfo(spec="v2", name="v2", digest="b" * 64),
    server="embedded server",
    server_version="18.1",
    planned=600,
    finished=600,
    workers=2,
    seconds=41.5,
    arguments=("--seed", "1", "--trials", "600"),
)
SUCCESS = CriterionResult(
    criterion=Criterion(
        id="success",
        words="99.5% de taxa de sucesso nas execuções",
        section="Critérios de Sucesso Final",
        metric="success",
        condition=Condition(statistic="share", operator="at_least", limit=0.995),
        unit="share",
        min_n=598,
        severity="gate",
        stages=(0,),
    ),
    verdict=Verdict.PASS,
    threshold=">= 99.5 %",
    estimate=1.0,
    low=0.99502,
    high=1.0,
    bound=0.99502,
    n=600,
    n_needed=0,
)
FINDING = Finding(
    check="OUT",
    verdict=Verdict.FAIL,
    trial=7,
    scenario=HOSTILE,
    arm="candidate",
    message=f"output differs: {HOSTILE}",
    witness={"path": HOSTILE, "left": 1, "right": None},
)
CRASHED = Finding(
    check="DUP",
    verdict=Verdict.FAIL,
    trial=0,
    scenario=HOSTILE,
    arm="candidate",
    message=f"twice: {HOSTILE}",
    case=f"{HOSTILE}@answer:3/once",
)
ANALYSIS = Analysis(
    run_id=MANIFEST.run_id,
    stage=0,
    stage_name="Testes Internos",
    policy_name="built-in",
    policy_digest="c" * 64,
    verdict=StageVerdict.NO_GO,
    headline="NO-GO for stage 0 %: v2 breaks OUT in 1 of 600 trials.",
    reasons=(Reason(part="check", id="OUT", verdict=Verdict.FAIL, text="1 finding"),),
    blocking=(Reason(part="check", id="OUT", verdict=Verdict.FAIL, text="1 finding"),),
    trials=600,
    trials_failed=1,
    failed_scenarios=((7, HOSTILE),),
    checks=(
        CheckSummary(
            check="OUT",
            holds_when="the outcome is the reference model's",
            required=True,
            verdict=Verdict.FAIL,
            examined_candidate=1200,
            examined_control=1200,
            findings_candidate=1,
            findings_control=0,
            samples=(FINDING, CRASHED),
        ),
    ),
    criteria=(SUCCESS,),
    differences=(
        DifferenceSummary(
            klass=DifferenceClass.REGRESSION,
            flaw=None,
            fingerprint="value steps/*/output",
            count=1,
            trials=1,
            samples=(
                DifferenceSample(
                    trial=7,
                    scenario=HOSTILE,
                    difference=Difference(path=f"steps/{HOSTILE}/output", kind="value", left=HOSTILE, right=None),
                ),
            ),
        ),
    ),
    side_by_side=(
        SideBySide(
            id="success", name="success", unit="share", control=0.98, candidate=0.99996, n_control=600, n_candidate=600
        ),
    ),
    crash=CrashSummary(
        engine="v2",
        seed=1,
        cases=40,
        passed=38,
        unfired=1,
        failed=1,
        duplicates=1,
        lost=0,
        redeliveries=3,
        per_hundred=2.5,
        planned=80,
        points=20,
        scenarios=2,
        classes={"activity": 2, "wait": 1},
        examined={"RESUME": 80},
        failed_by_check={"DUP": 1},
        coverage={
            CoverageCell("activity", "answer", Way.ONCE): (30, 30, 29),
            CoverageCell("wait", "signal", Way.SIGNAL_LATE): (10, 9, 9),
        },
        witnesses=(CRASHED,),
    ),
    not_tested=("No process was killed.",),
)


def document(analysis: Analysis = ANALYSIS, manifest: Manifest = MANIFEST) -> Document:
    return build(analysis, manifest)


def on_terminal(width: int, shown: Document) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        terminal.render(shown, console)
    return captured.get()


def test_the_document_carries_verdict_evidence_and_how_to_reproduce_it() -> None:
    made = document()
    assert (made.verdict, made.exit_status) == (StageVerdict.NO_GO, 1)
    assert made.criteria[0].words == "99.5% de taxa de sucesso nas execuções"
    assert made.differences[0].samples[0].right is None
    assert made.reproduce == "cutover run --seed 1 --trials 600"
    assert made.failed_scenarios[0].reproduce.startswith("cutover run --seed 1 --trials 600 --only '<script>")


def test_a_run_of_one_scenario_is_not_asked_for_it_twice() -> None:
    made = document(manifest=replace(MANIFEST, arguments=("--seed", "1", "--only", "a", "--only", "b")))
    assert made.reproduce == "cutover run --seed 1 --only a --only b"
    assert made.failed_scenarios[0].reproduce.count("--only") == 1


def test_what_is_of_no_trial_is_repeated_by_the_whole_run() -> None:
    """The scenario of such a finding is a word of the report, and `cutover run --only` knows no such scenario."""
    commands = Commands.of(MANIFEST)
    counted = replace(FINDING, trial=0, scenario="many-60")
    assert _finding(counted, commands).reproduce == "cutover run --seed 1 --trials 600"
    played = replace(FINDING, trial=0, scenario="the play twice")
    assert _finding(played, commands).reproduce == (
        "cutover run --seed 1 --trials 1 --skip routing,memory,costs,crashes --play twice"
    )
    assert _finding(replace(FINDING, scenario="s"), commands).reproduce == "cutover run --seed 1 --trials 600 --only s"
    assert "--case" in _finding(CRASHED, commands).reproduce


def test_the_document_comes_back_from_its_json() -> None:
    made = document()
    assert Document.model_validate_json(made.model_dump_json()) == made


def test_the_published_schema_is_the_document_s_and_accepts_it() -> None:
    published = json.loads((Path(__file__).parents[2] / "reports/schema/report.schema.json").read_text("utf-8"))
    assert published == json_schema()
    jsonschema.validate(json.loads(document().model_dump_json()), published)
    packaged = resources.files("cutover.reports").joinpath("schema/report.schema.json").read_text("utf-8")
    assert json.loads(packaged) == published


def test_no_number_in_the_json_is_one_that_json_lacks() -> None:
    analysis = replace(ANALYSIS, criteria=(replace(SUCCESS, estimate=float("nan"), high=float("inf")),))

    def refuse(name: str) -> object:
        raise AssertionError(name)

    json.loads(document(analysis).model_dump_json(), parse_constant=refuse)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_the_sentence_first_and_keeps_to_the_width(width: int) -> None:
    lines = on_terminal(width, document()).splitlines()
    assert lines[0].startswith("NO-GO")
    assert "v2 breaks OUT in 1 of 600 trials" in lines[0]
    assert lines[-2] == lines[0]
    assert lines[-1] == "cutover run --seed 1 --trials 600"
    assert all(len(line.rstrip()) <= width for line in lines if "cutover run" not in line)
    assert any("99.502 %" in line for line in lines)


def test_hostile_names_neither_steer_the_terminal_nor_the_ci_log() -> None:
    shown = on_terminal(120, document())
    assert "\x1b[31m" not in shown
    assert "::" not in shown


def test_hostile_names_are_only_text_in_markdown() -> None:
    text = markdown.render(document())
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<script" not in html
    assert "</style" not in html
    assert "javascript:1)" in html
    assert 'href="javascript' not in html
    assert "<em>b</em>" not in html
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "::" not in text


def test_hostile_names_add_no_cell_to_a_markdown_table() -> None:
    html = MarkdownIt("commonmark").enable("table").render(markdown.render(document()))
    tables = html.split("<table>")[1:]
    assert len(tables) >= 5
    for table in tables:
        cells = {row.count("<td") + row.count("<th") for row in table.split("</table>")[0].split("<tr>")[1:]}
        assert len(cells) == 1
    assert "pwned" in html


def test_markdown_stays_under_a_megabyte_and_says_what_it_cut() -> None:
    long = replace(ANALYSIS.differences[0], fingerprint="x" * 10_000)
    text = markdown.render(document(replace(ANALYSIS, differences=(long,) * 20_000)))
    assert len(text.encode()) < markdown.MAX_BYTES
    assert "19,800 more are left out here; the JSON report has them all." in text


def test_markdown_of_an_empty_analysis_says_none() -> None:
    empty = replace(
        ANALYSIS,
        criteria=(),
        checks=(),
        differences=(),
        side_by_side=(),
        not_tested=(),
        failed_scenarios=(),
        blocking=(),
    )
    text = markdown.render(document(empty))
    assert text.count("None.") == 2
    assert "Why not GO" not in text


def _shown(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


def _shape(text: str) -> list[str]:
    return re.findall(r"<[^>]*>", re.sub(r'(start|align|style)="[^"]*"', "", _shown(text)))


@pytest.mark.parametrize("lang", list(Lang))
def test_any_hostile_text_anywhere_is_only_text_in_markdown(
    poisoned: Callable[[str], Document], hostile: str, lang: Lang
) -> None:
    text = markdown.render(poisoned(hostile), lang=lang)
    assert _shape(text) == _shape(markdown.render(poisoned("x"), lang=lang))
    assert "::" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert len(text.encode()) < markdown.MAX_BYTES


def test_any_hostile_text_anywhere_is_only_text_on_a_terminal(
    poisoned: Callable[[str], Document], hostile: str
) -> None:
    shown = on_terminal(120, poisoned(hostile))
    assert "::" not in shown
    assert "##[" not in shown
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
    )


def test_markdown_and_the_headline_in_portuguese() -> None:
    text = markdown.render(document(), lang=Lang.PT_BR)
    assert "## Por que não GO" in text
    assert "99,996 %" in text
    console = Console(file=io.StringIO(), width=120, highlight=False, markup=False, emoji=False)
    sentence = document().model_copy(update={"headline": "NO-GO for stage 0 %: broken: OUT."})
    with console.capture() as captured:
        terminal.render(sentence, console, lang=Lang.PT_BR)
    lines = captured.get().splitlines()
    assert lines[0].rstrip() == lines[-2].rstrip() == "NO-GO para o estágio 0 %: violados: OUT."


def test_markdown_tells_of_crashes(poisoned: Callable[[str], Document]) -> None:
    crash = poisoned("x").crash
    assert crash is not None
    cells = tuple(cell.model_copy(update={"node_kind": "activity"}) for cell in crash.coverage)
    whole = poisoned("x").model_copy(update={"crash": crash.model_copy(update={"coverage": cells})})
    text = markdown.render(whole)
    assert "9 of 20 planned cases were played" in text
    assert "| activity |   | 5/6 | 3/3 |   |   |" in text
    assert "| x |   |   |   |   | **0** |" in text
