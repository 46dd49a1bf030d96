"""The protocol of engines by process: its schema is the published one, and its page names every message and key."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import get_args
from uuid import UUID

import jsonschema
import pytest

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    Journal,
    LoopNode,
    StartNode,
    Workflow,
)
from cutover.engines.byprocess import messages, rows
from cutover.engines.byprocess.faults import BadEngineSettings, BrokenProtocol
from cutover.engines.byprocess.messages import (
    PROTOCOL,
    AnswerMessage,
    CallMessage,
    DoneMessage,
    EngineFault,
    ExecuteMessage,
)
from cutover.engines.byprocess.rows import journal_of
from cutover.engines.byprocess.settings import engine_settings, named_engines
from cutover.engines.byprocess.wire import json_schema, read, written
from cutover.engines.registry import BrokenEngine, UnknownEngine, describe, sources_of

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text("utf-8")
PUBLISHED = json.loads(resources.files("cutover.engines.byprocess").joinpath("protocol.schema.json").read_text("utf-8"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = UUID("00000000-0000-4000-8000-000000000001")


def test_the_published_schema_is_that_of_the_messages() -> None:
    assert json_schema() == PUBLISHED


def test_what_is_sent_is_as_the_schema_says_and_a_case_s_value_is_text() -> None:
    body = Workflow(
        id="body",
        nodes=(StartNode(id="s"), ConditionNode(id="c", expression="@", cases=(Case(port="a", value=2**60),))),
    )
    nodes = (
        StartNode(id="start"),
        ActivityNode(id="pay", activity="charge"),
        LoopNode(id="each", body=body, items="@"),
    )
    workflow = Workflow(id="w", nodes=nodes, edges=(Edge(source="start", target="pay"),))
    line = written(
        ExecuteMessage(id=1, now=NOW, execution_id=KEY, workflow=workflow, input='"\\ud800"', metadata={"a": "é"})
    )
    sent = json.loads(line)
    jsonschema.validate(sent, PUBLISHED)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert sent["workflow"]["nodes"][2]["body"]["nodes"][1]["cases"] == [{"port": "a", "value": "1152921504606846976"}]
    assert sent["workflow"]["nodes"][1]["retry"]["max_retries"] == 3
    assert sent["workflow"]["edges"] == [{"source": "start", "target": "pay", "port": "out"}]
    jsonschema.validate(json.loads(written(AnswerMessage(id=1, now=NOW))), PUBLISHED)


def test_loops_within_loops_are_written_once_each() -> None:
    flow = Workflow(id="flow", nodes=(StartNode(id="start"),))
    for _ in range(40):  # written twice each they would be written 2**40 times
        flow = Workflow(id="flow", nodes=(StartNode(id="start"), LoopNode(id="each", items="@", body=flow)))
    sent = json.loads(written(ExecuteMessage(id=1, now=NOW, execution_id=KEY, workflow=flow, input="[]", metadata={})))
    inner, depth = sent["workflow"], 0
    while loops := [node for node in inner["nodes"] if node["kind"] == "loop"]:
        inner, depth = loops[0]["body"], depth + 1
    assert depth == 40


def test_what_a_journal_leaves_out_has_its_default() -> None:
    journal = {
        "execution": {
            "id": str(KEY),
            "workflow_id": "w",
            "status": "running",
            "input": "1",
            "created_at": NOW.isoformat(),
        },
        "steps": [
            {"step_id": "each[0]/pay", "status": "completed"},
            {"step_id": "ask", "status": "paused"},
            {"step_id": "choose", "node_id": "other", "status": "completed", "ports": ["true"]},
        ],
    }
    line = {"op": "done", "id": 1, "result": journal}
    jsonschema.validate(line, PUBLISHED)
    message = read(json.dumps(line).encode())
    assert isinstance(message, DoneMessage)
    assert message.result is not None
    found = journal_of(message.result)
    assert isinstance(found, Journal)
    assert (found.execution.version, found.execution.output, found.execution.metadata) == (0, None, {})
    assert [(step.node_id, step.ports, step.attempt) for step in found.steps] == [
        ("pay", ("out",), 0),
        ("ask", (), 0),
        ("other", ("true",), 0),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"42", "not a message of the protocol: '42'"),
        (b"\xff\x1b[31m", "not a message of the protocol: '\\ufffd\\x1b[31m'"),
        (b'{"op": "stop"}', "op: "),
        (b'{"op": "done", "id": "1"}', "done.id: Input should be a valid integer"),
        (b'{"op": "done", "id": true}', "done.id: Input should be a valid integer"),
        (b'{"op": "call", "id": 1}', "call.execution_id: Field required, and 4 more"),
        (
            b'{"op": "sleep", "id": 1, "until": "2026-01-01T00:00:00"}',
            "until: '2026-01-01T00:00:00' is not a time with",
        ),
        (b'{"op": "sleep", "id": 1, "until": 1767225600}', "until: 1767225600 is not a time with its offset in ISO"),
        (b'{"op": "sleep", "id": 1, "until": "2026-01-01"}', "until: '2026-01-01' is not a time with its offset"),
        (b'{"op": "sleep", "id": 1, "until": "2026-02-31T00:00:00Z"}', "until: Input should be a valid datetime"),
        (b'{"op": "done", "id": 1, "\\ud800": 1}', "the key '\\ud800' has half a character"),
        (b'{"op": "hello", "protocol": 1, "name": "\xed\xa0\x80"}', "name has half a character"),
        (b'{"op": "done", "id": 1, "result": {"steps": [{"output": "\\udc00"}]}}', "result.steps.0.output has half a"),
        (b'{"op":"done","result":' + b'{"a":' * 600 + b'"\\ud800"' + b"}" * 601, "has half a character"),
        (b"[" * 100_000, "not a message of the protocol"),
    ],
)
def test_a_wrong_line_is_told_where_it_is_wrong(line: bytes, told: str) -> None:
    with pytest.raises(BrokenProtocol) as caught:
        read(line)
    assert told in str(caught.value)
    assert str(caught.value).isascii()


def test_what_was_given_and_what_people_read_may_have_half_a_character() -> None:
    call = {"op": "call", "id": 1, "execution_id": str(KEY), "step_id": "\ud800", "activity": "a", "attempt": 1}
    assert read(json.dumps(call | {"input": '"\\ud800"'}).encode()) == CallMessage(
        id=1, execution_id=KEY, step_id="\ud800", activity="a", attempt=1, input='"\\ud800"'
    )
    error = {"type": "Refused", "message": "no \ud800"}
    assert read(json.dumps({"op": "done", "id": 1, "error": error}).encode()) == DoneMessage(
        id=1, error=EngineFault(type="Refused", message="no \ud800")
    )


def test_the_page_has_every_message_and_every_key() -> None:
    assert f"version {PROTOCOL}" in PAGE
    kinds = [getattr(messages, name) for name in messages.__all__ if name.endswith(("Message", "Reply"))]
    kinds = [kind for kind in kinds if not get_args(kind)]
    documents = [getattr(rows, name) for name in rows.__all__ if name.endswith("Document")]
    assert len(kinds) == 12
    for kind in [*kinds, *documents]:
        named = "op" in {each.name for each in fields(kind)}
        head = next(each.default for each in fields(kind) if each.name == "op") if named else None
        name = f"`{head}`" if named else kind.__name__.removesuffix("Document").lower()
        lines = [line for line in PAGE.splitlines() if line.startswith(f"| {name} ")]
        assert lines, name
        for each in fields(kind):
            assert each.name == "op" or any(f"`{each.name}`" in line for line in lines), (name, each.name)


def test_every_example_line_of_the_page_is_a_message() -> None:
    conversation = re.findall(r"^[<>] (\{.*\})$", PAGE, flags=re.MULTILINE)
    assert len(conversation) == 10
    for line in conversation:
        whole = (
            line.replace('"6f0c..."', f'"{KEY}"')
            .replace("6f0c...:pay", "k")
            .replace("{...}", '{"id":"w","nodes":[],"edges":[]}')
        )
        jsonschema.validate(json.loads(whole), PUBLISHED)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_in_cutover_toml_is_an_engine(folder: Path) -> None:
    (folder / "orders").mkdir()
    (folder / "cutover.toml").write_text(
        '[engines.mine]\ncommand = ["node", "a b.mjs"]\ncwd = "orders"\nenv = { A = "1" }\nready_timeout_s = 3\n'
        '[engines.other]\ncommand = "deno run \'x y.ts\'"\ncapabilities = ["cancel"]\n'
    )
    mine, other = engine_settings("mine"), engine_settings("other")
    assert mine is not None
    assert other is not None
    assert mine.program is not None
    assert other.program is not None
    assert (list(mine.program.command), mine.folder, mine.ready_timeout_s) == (
        ["node", "a b.mjs"],
        folder / "orders",
        3,
    )
    assert mine.program.environment == {"A": "1"}
    assert (list(other.program.command), other.capabilities) == (["deno", "run", "x y.ts"], ("cancel",))
    assert engine_settings("third") is None
    assert named_engines() == ("mine", "other")
    with pytest.raises(UnknownEngine, match=r"known are v1, v2, .*mine, other"):
        sources_of("third")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[engines.mine]\n", "[engines.mine], command: "),
        ("[engines.mine]\ncommand = ''\n", "[engines.mine], command"),
        ("[engines.mine]\ncommand = 'x'\nshell = true\n", "[engines.mine], shell: "),
        (
            "[engines.mine]\ncommand = 'x'\ncwd = '../..'\n",
            "its cwd '../..' is not a folder in or below the current one",
        ),
        ('[engines.mine]\ncommand = "x \'y"\n', "cannot be taken apart: No closing quotation"),
        ("[engines]\nmine = 7\n", "[engines.mine]: it is not a table of settings"),
        (
            "[engines.mine]\ncommand = []\n",
            "[engines.mine], command: it must be a text, or a list of texts, and not empty",
        ),
        ("[engines.mine]\ncommand = 'x'\ncapabilities = 'cancel'\n", "capabilities: it must be a list of texts"),
        ("[engines.mine]\ncommand = 'x'\ncwd = \"a\\u0000b\"\n", "its cwd is not the path of a folder"),
        (f"[engines.mine]\ncommand = 'x'\ncwd = '{'a' * 5_000}'\n", "its cwd is not the path of a folder"),
        ("[engines.mine]\ncommand = 'x'\nenv = {'A=B' = 'x'}\n", "its env has 'A=B', which no environment can have"),
        ("engines = 7\n", "`engines` is not a table"),
        ("[engines.mine\n", "cutover.toml is not TOML"),
    ],
)
def test_what_is_wrong_in_cutover_toml_is_named(folder: Path, text: str, told: str) -> None:
    (folder / "cutover.toml").write_text(text)
    with pytest.raises(BadEngineSettings) as caught:
        engine_settings("mine")
    assert told in str(caught.value)


def test_a_settings_file_that_never_ends_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "cutover.toml")
    with pytest.raises(BadEngineSettings, match=r"cutover.toml cannot be read: it is not an ordinary file"):
        engine_settings("mine")


def test_a_name_that_is_built_in_is_refused(folder: Path) -> None:
    (folder / "cutover.toml").write_text("[engines.v2]\ncommand = 'x'\n")
    with pytest.raises(BrokenEngine, match=r"engine 'v2': it is built in, and cutover.toml has another of that name"):
        describe("v2")


def test_an_installed_engine_is_not_replaced_by_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "cutover.toml").write_text("[engines.v2]\ncommand = 'x'\n[engines.theirs]\ncommand = 'x'\n")
    assert sources_of("v2")["v2"] != sources_of("command:x")["command:x"]

    class Point:
        name = "theirs"

    monkeypatch.setattr("cutover.engines.registry.entry_points", lambda **_: [Point])
    with pytest.raises(BrokenEngine, match=r"'theirs' is installed, and cutover.toml has another of that name"):
        sources_of("theirs")


def test_the_digest_covers_the_command_its_entry_and_its_sources(folder: Path) -> None:
    spec = "command:node src/engine.mjs"
    digests = [sources_of(spec)[spec]]
    for path, counts in (
        ("src/engine.mjs", True),
        ("src/lib/steps.sql", True),
        ("src/lib/notes.txt", False),
        ("other/engine.mjs", False),
        ("src/node_modules/pg/index.js", False),
        ("src/.git/x.mjs", False),
        ("src/package.json", True),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
        now = sources_of(spec)[spec]
        assert (now not in digests) is counts, path
        digests.append(now)
    assert sources_of("command:node  src/engine.mjs")["command:node  src/engine.mjs"] == digests[-1]
