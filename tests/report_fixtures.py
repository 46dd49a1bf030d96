"""A report document with every part in it, and the same with hostile text wherever text is free."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from pydantic import JsonValue

from cutover.reports.document import Document

Poisoned: TypeAlias = Callable[[str], Document]

_CLOSED = {"verdict", "severity", "part", "class", "unit", "source", "created_at", "expires", "point", "flaw"}
"""What the code itself chooses among a few words; `id` too, where it names a distribution."""


DOCUMENT = (Path(__file__).parent / "data" / "report.json").read_text(encoding="utf-8")


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
    return Document.model_validate_json(DOCUMENT)


@pytest.fixture
def poisoned() -> Poisoned:
    """The same document with a text of your choice in the place of every free text."""
    return lambda text: Document.model_validate(_poison(json.loads(DOCUMENT), text))


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
