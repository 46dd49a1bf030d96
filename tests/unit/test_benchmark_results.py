"""How benchmarks are judged, on literal samples."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module `tests/benchmarks/results.py`, which is not part of a package."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return import_module("results")


@pytest.mark.parametrize(
    ("sense", "samples", "passed"),
    [
        ("at least", (9.0, 1.0, 8.0), True),
        ("at least", (7.9, 100.0, 1.0), False),
        ("at most", (8.0,), True),
        ("at most", (8.5, 9.0, 1.0), False),
        ("at least", (), False),
        ("at most", (), False),
    ],
)
def test_the_median_is_held_against_the_target(
    results: Any, sense: str, samples: tuple[float, ...], *, passed: bool
) -> None:
    result = results.Result(name="a", sense=sense, target=8, samples=samples)
    assert result.passed is passed
    assert results.missed([result]) == ([] if passed else ["a"])
    assert ("PASS" if passed else "FAIL") in results.as_table([result])


def test_the_document_keeps_every_sample_and_fails_where_there_is_none(results: Any) -> None:
    one = results.Result(name="a", sense="at least", target=2, samples=(3.0, 2.0))
    none = results.Result(name="b", sense="at least", target=2, samples=())
    document = results.as_document([one, none], {"server": "x"})
    assert [entry["samples"] for entry in document["results"]] == [[3.0, 2.0], []]
    assert [entry["median"] for entry in document["results"]] == [2.5, None]
    assert document["passed"] is False
    assert results.as_document([], {})["passed"] is False
    assert results.as_document([one], {})["passed"] is True
