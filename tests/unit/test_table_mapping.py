"""`[engines.NAME.tables]`: the keys of every part are the journal's, and what breaks a rule is one sentence."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Final, Literal, get_args, get_origin, get_type_hints

import pytest

from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.settings import engine_settings
from cutover.engines.byprocess.tables.mapping import EXECUTION_ID, PARTS, ColumnKind, ColumnPlace
from cutover.engines.registry import sources_of

TABLES: Final = """
[engines.mine]
command = "node engine.mjs"

[engines.mine.tables.execution]
table = "runs"
columns = { id = "run", metadata = "doc -> 'meta'", error = "doc->>why", output = false }
words = { status = { done = "completed" } }

[engines.mine.tables.step]
table = "orders.steps"
"""
PAGE: Final = (Path(__file__).parents[2] / "docs/tables.md").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_keys_and_words_of_the_journal(name: str) -> None:
    part = PARTS[name]
    own = {each.name for each in fields(part.document)}
    assert set(part.kinds) == own | (set() if name == "execution" else {EXECUTION_ID})
    assert set(part.order) <= set(part.kinds)
    said = {key: get_args(of) for key, of in get_type_hints(part.document).items() if get_origin(of) is Literal}
    assert {key: tuple(words) for key, words in part.words.items()} == said
    assert all(part.kinds[key] is ColumnKind.TEXT for key in part.words)


def test_what_a_journal_needs_is_what_has_no_default() -> None:
    assert PARTS["execution"].needed == {"id", "workflow_id", "status", "input", "created_at"}
    assert PARTS["step"].needed == {EXECUTION_ID, "step_id", "status"}
    assert PARTS["event"].needed == {EXECUTION_ID, "sequence", "type", "at"}


def test_columns_members_and_words_are_taken_as_they_are_written(folder: Path) -> None:
    (folder / "cutover.toml").write_text(TABLES)
    settings = engine_settings("mine")
    assert settings is not None
    assert settings.tables is not None
    execution, step = settings.tables["execution"], settings.tables["step"]
    assert (execution.schema, execution.table, step.schema, step.table) == (None, "runs", "orders", "steps")
    assert execution.places == {
        "id": ColumnPlace("run"),
        "metadata": ColumnPlace("doc", "->", "meta"),
        "error": ColumnPlace("doc", "->>", "why"),
    }
    assert execution.left_out == {"output"}
    assert execution.words["status"] == {"done": "completed"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"completed"', '"complete"', "execution], words.status: 'done' is to be 'complete', and is one of pending, "),
        (
            "tables.step]",
            "tables.steps]",
            "[engines.mine.tables]: it has no table for `step`; write [engines.mine.tables.",
        ),
        (
            "id =",
            "run_id =",
            "[engines.mine.tables.execution], columns: there is no `run_id`; there are id, workflow_id,",
        ),
        ("words = { status", "words = { version", "words: `version` is not a text, so it has no words"),
        (
            'table = "orders.steps"',
            "",
            "[engines.mine], tables.step.table: it must be a table of tables, each with its",
        ),
        ('id = "run"', "id = true", "[engines.mine], tables.execution.columns.id"),
        (
            'table = "runs"',
            'table = "runs"\ntabel = "runs"',
            "[engines.mine], tables.execution.tabel: it must be a table",
        ),
    ],
)
def test_what_breaks_a_rule_is_one_sentence(folder: Path, old: str, new: str, told: str) -> None:
    assert old in TABLES
    (folder / "cutover.toml").write_text(TABLES.replace(old, new, 1))
    with pytest.raises(BadEngineSettings) as caught:
        engine_settings("mine")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_part_that_no_journal_has_is_refused(folder: Path) -> None:
    (folder / "cutover.toml").write_text(f'{TABLES}\n[engines.mine.tables.metrics]\ntable = "x"\n')
    with pytest.raises(
        BadEngineSettings, match="has no part `metrics`; its parts are execution, step, event, checkpoint,"
    ):
        engine_settings("mine")


def test_the_digest_covers_the_mapping(folder: Path) -> None:
    digests = set()
    for text in (TABLES, TABLES.replace('"runs"', '"others"'), TABLES.replace('done = "', 'over = "')):
        (folder / "cutover.toml").write_text(text)
        digests |= set(sources_of("mine").values())
    assert len(digests) == 3


def test_the_page_names_every_part_and_key() -> None:
    for name, part in PARTS.items():
        (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
        _, _, needed, optional, _ = line.split("|")
        assert set(re.findall(r"`(\w+)`", needed)) == part.needed
        assert set(re.findall(r"`(\w+)`", optional)) == set(part.kinds) - part.needed
