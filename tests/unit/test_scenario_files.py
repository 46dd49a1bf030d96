"""Reading and writing scenario files, and what is said of files that are wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.files import dumps, dumps_line, json_schema, load, load_folder, loads
from cutover.scenarios.model import Response, Scenario

Change = Callable[[dict[str, Any]], object]

KINDS = "'start', 'activity', 'condition', 'join', 'wait', 'loop'"
A_SHORT_NAME = "must be a short name of small letters, digits and hyphens, at most 32, the first a letter"
NO_ORIGINS = ("", "Hearsay", "a word", "8n", "catalog\n", "x" * 33)
SCHEMA = Path(__file__).parents[2] / "scenarios" / "schema" / "scenario.schema.json"


def plain() -> dict[str, Any]:
    """A small scenario as a file holds it."""
    return {
        "schema_version": 1,
        "id": "pay",
        "workflow": {
            "id": "order",
            "nodes": [
                {"id": "start", "kind": "start"},
                {"id": "pay", "kind": "activity", "activity": "payments.charge", "retry": {"max_retries": 2}},
            ],
            "edges": [{"source": "start", "target": "pay"}],
        },
        "world": {"pay": [{"output": 1}]},
    }


def refusal(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "orders.json")
    message = str(caught.value)
    assert message.startswith("orders.json: ")
    assert "pydantic" not in message.lower()
    assert "http" not in message
    return message.removeprefix("orders.json: ")


def changed(change: Change) -> str:
    data = plain()
    change(data)
    return refusal(json.dumps(data))


def test_a_small_file_is_read() -> None:
    scenario = loads(json.dumps(plain()), "pay.json")
    assert scenario.id == "pay"
    assert [node.id for node in scenario.workflow.nodes] == ["start", "pay"]
    assert scenario.world == {"pay": (Response(output=1),)}
    assert scenario.origin == "catalog"


@pytest.mark.parametrize("origin", ["catalog", "generated", "n8n", "recorded", "step-functions", "a"])
def test_an_origin_is_what_an_importer_or_recorder_calls_itself(origin: str) -> None:
    scenario = loads(json.dumps({**plain(), "origin": origin}), "pay.json")
    assert loads(dumps(scenario)).origin == scenario.origin == origin


def test_what_is_written_is_read_back_and_leaves_defaults_out() -> None:
    scenario = loads(json.dumps(plain()), "pay.json")
    text = dumps(scenario)
    assert loads(text) == loads(dumps_line(scenario)) == scenario
    assert json.loads(text) == plain()
    assert text.endswith("}\n")
    assert "\n" not in dumps_line(scenario)
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize(
    "payload",
    [
        "\0",
        "\ud800",
        "\udc00\ud800",
        10**30,
        -(2**64),
        2**53 + 1,
        -0.0,
        1e308,
        5e-324,
        1.0,
        1,
        True,
        "1",
        {},
        [],
        {"": {"": None}},
    ],
    ids=ascii,
)
def test_awkward_payloads_come_back_to_the_type_and_the_last_digit(payload: Any) -> None:
    scenario = loads(
        json.dumps({**plain(), "input": {"x": payload}, "world": {"pay": [{"output": payload}]}}), "pay.json"
    )
    assert repr(scenario.input) == repr({"x": payload})
    for written in (dumps(scenario), dumps_line(scenario)):
        again = loads(written)
        assert repr(again.input) == repr({"x": payload})
        assert repr(again.world["pay"][0].output) == repr(payload)


def test_a_payload_as_deep_as_engines_keep_is_written_and_read() -> None:
    deep: Any = "bottom"
    for _ in range(400):
        deep = [deep]
    scenario = loads(json.dumps({**plain(), "input": deep}), "deep.json")
    assert loads(dumps(scenario)).input == deep
    assert loads(dumps_line(scenario)).input == deep


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(colour="red"), "$.colour: is not a key that is known here"),
        (lambda d: d["workflow"].pop("id"), "$.workflow.id: is missing"),
        (lambda d: d.update(schema_version=2), "$.schema_version: must be 1"),
        (lambda d: d.update(id=7), "$.id: must be text"),
        (lambda d: d.update(tags="retry"), "$.tags: must be a list"),
        (lambda d: d.update(world=[]), "$.world: must be an object"),
        (lambda d: d["world"].update(pay=[]), "$.world.pay: must have at least 1 item"),
        (lambda d: d["world"]["pay"].append(3), "$.world.pay[1]: must be an object"),
        *((lambda d, word=word: d.update(origin=word), f"$.origin: {A_SHORT_NAME}") for word in NO_ORIGINS),
        (lambda d: d.update(origin=None), "$.origin: must be text"),
        (lambda d: d["workflow"]["nodes"][1].pop("activity"), "$.workflow.nodes[1].activity: is missing"),
        (lambda d: d["workflow"]["nodes"][1].pop("kind"), "$.workflow.nodes[1]: has no `kind`"),
        (
            lambda d: d["workflow"]["nodes"][1].update(kind="human"),
            f"$.workflow.nodes[1]: has the kind human; the kinds are {KINDS}",
        ),
        (
            lambda d: d["workflow"]["nodes"][1]["retry"].update(max_retries=-1),
            "$.workflow.nodes[1].retry.max_retries: must be at least 0",
        ),
        (
            lambda d: d["workflow"]["nodes"][1]["retry"].update(max_retries=101),
            "$.workflow.nodes[1].retry.max_retries: must be at most 100",
        ),
        (
            lambda d: d["workflow"]["nodes"][1]["retry"].update(max_retries="3"),
            "$.workflow.nodes[1].retry.max_retries: must be a whole number",
        ),
        (
            lambda d: d["workflow"]["nodes"][1]["retry"].update(max_retries=True),
            "$.workflow.nodes[1].retry.max_retries: must be a whole number",
        ),
        (lambda d: d["world"]["pay"][0].update(echo="yes"), "$.world.pay[0].echo: must be true or false"),
        (lambda d: d["world"]["pay"][0].update(echo=1), "$.world.pay[0].echo: must be true or false"),
        (
            lambda d: d["workflow"]["edges"].append({"source": "pay", "target": "ship"}),
            "$.workflow.edges[1] (pay.out -> ship): no node has the id of its target",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_rule(change: Change, message: str) -> None:
    assert changed(change) == message


def test_every_problem_of_a_file_is_told() -> None:
    def spoil(data: dict[str, Any]) -> None:
        data.update(title=3, tags=[1, "a"])
        data["workflow"]["edges"][0]["port"] = None

    message = changed(spoil)
    assert message.splitlines() == [
        "3 problems",
        "  $.workflow.edges[0].port: must be text",
        "  $.title: must be text",
        "  $.tags[0]: must be text",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON at line 1, column 1: Expecting value"),
        ('{\n  "id" "a"\n}', "is not JSON at line 2, column 8: Expecting ':' delimiter"),
        ("[]", "$: must be an object"),
        ('"pay"', "$: must be an object"),
        ('{"id": "a", "id": "b"}', "has an object with the key 'id' twice, so one of the values would be lost"),
        ('{"input": {"x": [1, NaN]}}', "$.input.x[1]: nan is not a JSON number"),
        ('{"input": -Infinity}', "$.input: -inf is not a JSON number"),
        ('{"input": 1e999}', "$.input: inf is not a JSON number"),
        ('{"input": ' + "9" * 5_000 + "}", "has an integer of more digits than Python reads"),
        ("[" * 100_000, "nests too deeply to be read"),
        ('{"a":' * 100_000, "nests too deeply to be read"),
    ],
)
def test_text_that_is_no_json_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_nesting_beyond_the_limit_is_refused_with_the_path() -> None:
    text = '{"input": ' + "[" * 600 + "]" * 600 + "}"
    message = refusal(text)
    assert message.startswith("$.input[0][0]")
    assert message.endswith("nests deeper than 600 levels")


def test_loops_nested_a_hundred_deep_are_refused() -> None:
    def nest(data: dict[str, Any]) -> None:
        flow = data["workflow"]
        for _ in range(100):
            body = {"id": "body", "nodes": [{"id": "start", "kind": "start"}], "edges": []}
            flow["nodes"].append({"id": "loop", "kind": "loop", "items": "@", "body": body})
            flow["edges"].append({"source": "start", "target": "loop"})
            flow = body

    assert "loops nest deeper than 20 levels" in changed(nest)


def test_an_oversized_text_is_refused() -> None:
    assert refusal('"' + "x" * 33_554_432 + '"').startswith("is larger than 33,554,432")


def test_an_oversized_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * 33_554_433)
    with pytest.raises(ScenarioError, match=r"large\.json: is larger than 33,554,432 bytes"):
        load(path)


def test_a_payload_that_json_cannot_hold_is_not_written() -> None:
    scenario = loads(json.dumps(plain()))
    for payload in (float("nan"), {"x": object()}):
        broken = Scenario(id="odd", workflow=scenario.workflow, input=payload, world=scenario.world)  # type: ignore[arg-type]
        with pytest.raises(ScenarioError, match="odd: has a payload that JSON cannot hold"):
            dumps(broken)


def test_a_folder_gives_its_scenarios_by_file_name(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.json").write_text(json.dumps({**plain(), "id": "two"}))
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps({**plain(), "id": "one"}), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no scenario")
    lines = "".join(json.dumps({**plain(), "id": name}) + "\n" for name in ("three", "four"))
    (tmp_path / "c.jsonl").write_text(lines + "\n")
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(json.dumps({**plain(), "id": "five"}).encode()))
    assert [scenario.id for scenario in load_folder(tmp_path)] == ["one", "two", "three", "four", "five"]
    assert load(tmp_path / "d.jsonl.gz").id == "five"


def test_an_error_in_a_file_of_lines_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(json.dumps(plain()) + "\n\n" + json.dumps({**plain(), "id": ""}) + "\n")
    with pytest.raises(ScenarioError, match=r"many\.jsonl:3: \$\.id: is empty"):
        load_folder(path)


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(plain()))
    with pytest.raises(ScenarioError, match=r"b\.json: \$\.id: .*a\.json has a scenario of the same id, pay"):
        load_folder(tmp_path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    good = gzip.compress(json.dumps(plain()).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(good[:-12])
    (tmp_path / "plain.jsonl.gz").write_bytes(b"{}")
    (tmp_path / "latin.json").write_bytes(b'{"id": "\xe9"}')
    (tmp_path / "two.jsonl").write_text(json.dumps(plain()) + "\n" + json.dumps({**plain(), "id": "b"}) + "\n")
    (tmp_path / "other.txt").write_text("{}")
    (tmp_path / "empty").mkdir()
    for name, message in {
        "cut.jsonl.gz": "cannot be read: Compressed file ended",
        "plain.jsonl.gz": "cannot be read: Not a gzipped file",
        "latin.json": "is not UTF-8 at byte 8",
        "two.jsonl": "holds 2 scenarios where one is wanted",
        "other.txt": "is not a file of scenarios",
        "nowhere.json": "there is no such file",
    }.items():
        with pytest.raises(ScenarioError, match=message) as caught:
            load(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(ScenarioError, match="holds no scenario"):
        load_folder(tmp_path / "empty")
    with pytest.raises(ScenarioError, match="there is no such file or folder"):
        load_folder(tmp_path / "nowhere")


def test_the_published_schema_is_the_one_that_is_read() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_the_schema_takes_good_files_and_refuses_wrong_ones() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    assert list(validator.iter_errors(plain())) == []
    changes: tuple[Change, ...] = (
        lambda d: d.update(colour="red"),
        lambda d: d["workflow"]["nodes"][1].pop("activity"),
        lambda d: d["workflow"]["nodes"][1].update(kind="human"),
        lambda d: d["world"].update(pay=[]),
    )
    for change in changes:
        data = plain()
        change(data)
        assert list(validator.iter_errors(data)) != []
