"""docs/escapes.md against the code: the mutants, checks and criteria that it names are there and belong together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from checks.listed import sentences

from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.mutants.catalog.deaths import DEATH_MUTANTS
from cutover.harness.mutants.catalog.engines import ENGINE_MUTANTS
from cutover.harness.mutants.catalog.harnesses import HARNESS_MUTANTS
from cutover.harness.mutants.matrix import known

PAGE = Path(__file__).parents[2] / "docs" / "escapes.md"
HEAD = ["fault", "found", "seen by", "added", "mutants"]
FOUND = {"attack, GO", "attack", "sibling", "reading", "draws", "change log"}
BY_AN_ENGINE = {"attack, GO", "attack", "sibling"}
KILLED_BY = {mutant.id: mutant.check for mutant in (*ENGINE_MUTANTS, *DEATH_MUTANTS)}
KILLED_BY |= {mutant.id: mutant.check for mutant in HARNESS_MUTANTS}


class Escape(NamedTuple):
    """One row of the page."""

    fault: str
    found: str
    checks: tuple[str, ...]
    added: str
    mutants: tuple[str, ...]


def tables(text: str) -> list[list[list[str]]]:
    """Every table of the page, as rows of cells."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in each.splitlines()] for each in blocks]


def listed(cell: str) -> tuple[str, ...]:
    """The names in a cell; a dash is none."""
    return () if cell == "-" else tuple(each.strip("`") for each in cell.split(", "))


def escapes() -> list[Escape]:
    rows = [row for table in tables(PAGE.read_text(encoding="utf-8")) for row in table[2:]]
    return [
        Escape(fault, found, listed(checks), added, listed(mutants)) for fault, found, checks, added, mutants in rows
    ]


ESCAPES = escapes()


def test_the_tables_were_read() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(ESCAPES) == len(re.findall(r"^\| (?!fault)", text, flags=re.MULTILINE)) > 100
    assert all(table[0] == HEAD for table in tables(text))
    assert len({escape.fault for escape in ESCAPES}) == len(ESCAPES)


@pytest.mark.parametrize("escape", ESCAPES, ids=[escape.fault for escape in ESCAPES])
def test_what_a_row_names_is_there(escape: Escape) -> None:
    assert escape.found in FOUND
    criteria = {criterion.id for criterion in default_policy().criteria}
    assert set(escape.checks) <= criteria | sentences().keys()
    assert set(escape.mutants) <= set(known())
    assert {KILLED_BY[mutant] for mutant in escape.mutants} <= set(escape.checks), (
        "the mutant is killed by another check"
    )
    assert escape.mutants or escape.found not in BY_AN_ENGINE, "an engine that got through has a mutant"
    assert escape.checks or escape.found in {"reading", "change log"}


def test_no_mutant_stands_for_two_faults() -> None:
    named = [mutant for escape in ESCAPES for mutant in escape.mutants]
    assert len(named) == len(set(named))


def test_scenarios_that_rows_name_are_in_the_catalog() -> None:
    named = {name for escape in ESCAPES for name in re.findall(r"the scenario `(.*?)`", escape.added)}
    assert named
    assert {
        name for name in named if not (PAGE.parents[1] / "scenarios" / "catalog" / f"{name}.json").is_file()
    } == set()
