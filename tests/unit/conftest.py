"""A report document with every part in it, and the same with hostile text wherever text is free."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from pydantic import JsonValue

from reports.document import Document

Poisoned: TypeAlias = Callable[[str], Document]

_CLOSED = {"verdict", "severity", "part", "class", "unit", "source", "created_at", "point", "flaw"}
"""What the code itself chooses among a few words; `id` too, where it names a distribution."""


def _criterion(name: str, verdict: str, unit: str, estimate: float | None, **more: JsonValue) -> JsonValue:
    usual: dict[str, JsonValue] = {
        "id": name, "words": "99.5% de taxa de sucesso", "section": "Critérios", "decided": "One succeeds when…",
        "metric": "execution_success", "unit": unit, "severity": "gate", "source": "harness", "min_n": 598,
        "threshold": ">= 99.5 %", "estimate": estimate, "low": 0.995, "high": 1.0, "bound": 0.995, "n": 600,
        "n_needed": 0, "measured": True, "verdict": verdict, "reason": "1 in 600, wanted 0",
    }  # fmt: skip
    return usual | more


def _difference(klass: str, flaw: str | None, count: int) -> JsonValue:
    sample: JsonValue = {
        "trial": 7,
        "scenario": "04-retry",
        "path": "steps/ship",
        "kind": "value",
        "left": '"a"',
        "right": None,
    }
    return {
        "class": klass,
        "flaw": flaw,
        "fingerprint": "value steps/*",
        "count": count,
        "trials": 1,
        "samples": [sample],
    }


def _side(name: str, unit: str, control: float | None, candidate: float | None) -> JsonValue:
    return {
        "id": name, "name": "stuck executions", "unit": unit, "control": control, "candidate": candidate,
        "n_control": 600, "n_candidate": 600,
    }  # fmt: skip


def _finding(arm: str, case: str) -> JsonValue:
    return {
        "verdict": "FAIL", "trial": 0 if case else 7, "scenario": "04-retry", "case": case, "arm": arm,
        "message": "status: failed instead of completed", "witness": {"path": "status", "left": 1, "right": None},
        "reproduce": "cutover run --only 04-retry",
    }  # fmt: skip


def _check(name: str, verdict: str, found: int) -> JsonValue:
    samples: list[JsonValue] = [_finding("candidate", ""), _finding("candidate", "04@answer:3/once")] if found else []
    return {
        "check": name, "holds_when": "one of several runs", "required": name != "PERF", "verdict": verdict,
        "examined_candidate": 1200, "examined_control": 1200, "findings_candidate": found, "findings_control": 3,
        "reason": "1 finding", "samples": samples,
    }  # fmt: skip


_REASONS: list[JsonValue] = [
    {"part": "run", "id": "META trials", "verdict": "PASS", "severity": "gate", "text": "there are trials"},
    {"part": "check", "id": "OUT", "verdict": "FAIL", "severity": "gate", "text": "1 finding; trial 7"},
    {
        "part": "criterion",
        "id": "success",
        "verdict": "INCONCLUSIVE",
        "severity": "rollback",
        "text": "1 in 600, wanted 0",
    },
]
_ENGINE: JsonValue = {"spec": "v1", "name": "v1", "digest": "a" * 64}
_CRASH: JsonValue = {
    "engine": "v2", "seed": 1, "verdict": "FAIL", "cases": 9, "passed": 8,
    "headline": "FAIL: v2 fails 1 of 9 crash cases, with 1 duplicates (11.1 per hundred resumes) and 0 losses.",
    "unfired": 0, "failed": 1, "duplicates": 1, "lost": 0, "redeliveries": 2, "duplicates_per_hundred": 11.1,
    "upper_bound": 0.4, "examined": {"RESUME": 9}, "failed_by_check": {"RESUME": 1},
    "coverage": [
        {"node_kind": "activity", "point": "answer", "way": "once", "planned": 5, "fired": 5, "passed": 4},
        {"node_kind": "activity", "point": "call", "way": "zombie", "planned": 3, "fired": 3, "passed": 3},
        {"node_kind": "join", "point": "answer", "way": "once", "planned": 1, "fired": 1, "passed": 1},
    ],
    "untouched": [{"node_kind": "wait", "point": "signal"}],
    "witnesses": [
        {"case": "04@answer:3/once", "check": "RESUME", "message": "twice", "replay": "cutover replay 04@answer:3/once"}
    ],
}  # fmt: skip
_DOCUMENT: dict[str, JsonValue] = {
    "schema_version": 1, "verdict": "NO-GO", "exit_status": 1, "headline": "NO-GO for stage 0 %: broken: OUT.",
    "stage": 0, "stage_name": "Testes Internos", "policy_name": "the plan", "policy_digest": "c" * 64,
    "trials": 600, "trials_failed": 1,
    "failed_scenarios": [{"trial": 7, "scenario": "04-retry", "reproduce": "cutover run --only 04-retry"}],
    "blocking": _REASONS[1:], "reasons": _REASONS,
    "criteria": [
        _criterion("success", "INCONCLUSIVE", "share", 0.998, n_needed=349),
        _criterion("checkpoint-p95", "PASS", "ms", 8.9),
        _criterion("memory", "INCONCLUSIVE", "share", None, measured=False, bound=None, n=0, n_needed=None),
    ],
    "checks": [_check("OUT", "FAIL", 2), _check("EVT", "PASS", 0), _check("PERF", "ERROR", 1)],
    "differences": [_difference("REGRESSION", None, 2), _difference("IMPROVEMENT", "no-retry", 98)],
    "side_by_side": [
        _side("success", "share", 0.98, 0.99996), _side("latency_p50", "ms", 30.0, 20.0),
        _side("latency_p95", "ms", 90.0, 61.0), _side("checkpoint_mean", "ms", None, 2.5),
        _side("checkpoint_p95", "ms", None, 8.9), _side("duplicates", "count", 0.0, 0.0),
    ],
    "distributions": [
        {"id": "latency", "edges": [1.0, 10.0, 100.0], "control": [1, 599], "candidate": [10, 590],
         "unusable_control": 0, "unusable_candidate": 2, "limits": []},
        {"id": "checkpoint", "edges": [1.0, 3.0, 9.0], "control": [0, 0], "candidate": [7, 3],
         "unusable_control": 0, "unusable_candidate": 0,
         "limits": [{"criterion": "checkpoint-p95", "quantile": 0.95, "limit": 100.0, "here": True},
                    {"criterion": "checkpoint-mean-alert", "quantile": None, "limit": 150.0, "here": False}]},
    ],
    "crash": _CRASH, "not_tested": ["the router's split was not tested"], "reproduce": "cutover run --seed 1",
    "run": {
        "run_id": "20260102-030405-1a2b3c", "created_at": "2026-01-02T03:04:05Z", "cutover_version": "0.1.0", "seed": 1,
        "control": _ENGINE, "candidate": {"spec": "v2", "name": "v2", "digest": "b" * 64}, "server": "embedded server",
        "server_version": "18.1", "planned": 600, "finished": 600, "workers": 2, "seconds": 41.5, "partial": False,
        "arguments": ["--seed", "1"], "environment": {"python": "3.11.7"}, "cases": 9, "cases_planned": 20,
        "crash_budget_s": 20.0,
    },
}  # fmt: skip


def _poison(value: JsonValue, text: str, key: str = "") -> JsonValue:
    match value:
        case str():
            return value if key in _CLOSED else text
        case dict():
            closed = {"id"} if "edges" in value else set[str]()
            return {name: each if name in closed else _poison(each, text, name) for name, each in value.items()}
        case list():
            return [_poison(each, text, key) for each in value]
        case _:
            return value


@pytest.fixture
def document() -> Document:
    """A NO-GO with something in every part."""
    return Document.model_validate(_DOCUMENT)


@pytest.fixture
def poisoned() -> Poisoned:
    """The same document with a text of your choice in the place of every free text."""
    return lambda text: Document.model_validate(_poison(_DOCUMENT, text))


@pytest.fixture(
    params=[
        "<script>alert(1)</script>",
        "</style></title></svg><img src=x onerror=alert(1)>",
        "a|b\\|c `d` ```e``` | f",
        "\n::error file=x,line=1::pwned\r\n::add-mask::a %0A::error::b",
        "##[error]pwned ]]> --> <!-- <![CDATA[",
        "\u202eevil\u2066\u061c\u200f\x00\x1b[31m\x85\ufeff\ud800\ufffe",
        '{{ 7*7 }} {% raw %} {0.__class__} {name} %s $x$ \\ \'" onload="x" javascript:alert(1)',
        "[a](javascript:alert(1)) ![b](https://leak.example/x.png) <https://leak.example> @team #1 https://leak.example",
        "x" * 30_000,
    ],
    ids=["script", "style", "pipe", "annotation", "azure", "bidi", "template", "link", "long"],
)
def hostile(request: pytest.FixtureRequest) -> str:
    """A name that some output format might obey."""
    text: str = request.param
    return text
