"""How results of mutants are counted, written, read again, explained and told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from mutation.explained import BadExplanation, apply_explanations, as_entry, read_explanations, refuse_strangers
from mutation.results import Kill, Result, ResultsDiffer, as_document, killed_share, read_again, summary
from mutation.sites import Mutant

MUTANT = Mutant(file="a.py", line=3, function="A.f", operator="number", before="x = 'it''s'\n1", after='x = "2"\\')
KILLED = Result(mutant=MUTANT, kill=Kill(stage="trials", by="OUT", cases=7, detail="d"), seconds=0.5)
SURVIVED = Result(mutant=replace(MUTANT, nth=2), kill=None, seconds=4.0)
SETTING = {"target": "engine", "seed": 1}


def explanation(result: Result, why: str = "nobody reads it") -> str:
    return as_entry(result.mutant.key).replace('why = ""', f'why = "{why}"')


def test_the_share_is_of_those_that_are_not_equivalent() -> None:
    equivalent = replace(SURVIVED, why="so")
    assert [each.status for each in (KILLED, SURVIVED, equivalent)] == ["killed", "survived", "equivalent"]
    assert killed_share([KILLED, KILLED, KILLED, SURVIVED, equivalent]) == 0.75
    assert killed_share([equivalent]) is None
    assert killed_share([]) is None


def test_results_can_be_read_again() -> None:
    document = json.loads(json.dumps(as_document([KILLED, SURVIVED], SETTING, sites=9)))
    assert (document["sites"], document["played"], document["killed"], document["survived"]) == (9, 2, 1, 1)
    assert document["killed_share"] == 0.5
    assert read_again(document, SETTING) == {each.mutant.key: each for each in (KILLED, SURVIVED)}


@pytest.mark.parametrize(
    ("setting", "schema", "message"),
    [({"target": "engine", "seed": 2}, 1, "seed was 1 and is 2"), (SETTING, 0, "schema version 0")],
)
def test_results_of_another_setting_are_refused(setting: dict[str, object], schema: int, message: str) -> None:
    document = as_document([KILLED], SETTING, sites=9) | {"schema_version": schema}
    with pytest.raises(ResultsDiffer, match=message):
        read_again(document, setting)


def test_the_summary_shows_survivors_and_how_soon_the_others_were_noticed() -> None:
    text = summary([KILLED, replace(KILLED, kill=Kill(stage="trials", by="OUT", cases=1)), SURVIVED], sites=9)
    assert text.startswith("SURVIVED a.py:3 A.f: number\n    - x = 'it''s'\n    - 1\n    + x = \"2\"\\\n")
    assert text.split("\ntrials ", 1)[1].split()[:3] == ["2", "4", "7"]
    assert "killed by: OUT 2" in text
    assert "3 of 9 mutants played: 2 killed, 1 survived, 0 equivalent; killed 66.7% of those not equivalent" in text


def test_an_explained_survivor_is_equivalent() -> None:
    explained = read_explanations(explanation(SURVIVED))
    assert explained == {SURVIVED.mutant.key: "nobody reads it"}
    results = apply_explanations([KILLED, SURVIVED], explained)
    assert [each.status for each in results] == ["killed", "equivalent"]


def test_a_killed_mutant_is_not_equivalent() -> None:
    with pytest.raises(BadExplanation, match="explained as equivalent, and OUT killed it"):
        apply_explanations([KILLED], read_explanations(explanation(KILLED)))


def test_an_entry_that_matches_no_mutant_is_refused() -> None:
    explained = read_explanations(explanation(SURVIVED))
    refuse_strangers(explained, {SURVIVED.mutant.key}, {"a.py"})
    refuse_strangers(explained, set(), {"b.py"})  # nobody has looked at a.py
    with pytest.raises(BadExplanation, match=r"no mutant is as explained: a\.py A\.f number"):
        refuse_strangers(explained, {KILLED.mutant.key}, {"a.py"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (explanation(KILLED, why=" "), "entry 1 does not say why"),
        (explanation(KILLED) + "line = 3\n", "entry 1 needs file"),
        ('[[mutant]]\nfile = "a.py"\nwhy = "so"\n', "entry 1 needs file"),
        (explanation(KILLED) + "\n" + explanation(KILLED), "entry 2 explains again"),
    ],
)
def test_an_entry_must_be_whole_and_alone(text: str, message: str) -> None:
    with pytest.raises(BadExplanation, match=message):
        read_explanations(text)
