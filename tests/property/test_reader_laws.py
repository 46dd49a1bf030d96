"""Laws of what reads from outside: whatever the bytes are, a reader returns or raises its own error."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hostile.damage import damaged, reshaped
from hostile.names import dangers_in
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.harness.errors import RunError
from cutover.harness.judge.differences.waivers import WaiverError, load_waivers
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.judge.policy.model import PolicyError
from cutover.harness.store.reader import iter_cases, iter_trials, load_manifest
from cutover.reports.words import json_text, plain, printable
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.expressions import work
from cutover.scenarios.files import dumps, load_folder, loads
from cutover.scenarios.importers.n8n.importer import import_file

SEEDS = st.integers(0, 2**32)
FEW, MANY = settings(max_examples=20), settings(max_examples=2_000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=12,
)
EXPRESSIONS = st.recursive(
    st.sampled_from(["@", "a", "b", "`[1, 2]`", "'x'", '`{"a": 1}`', "[0]", "[]", "[*]", "*", "[::-1]"]),
    lambda part: st.one_of(
        st.builds("{} | {}".format, part, part),
        st.builds("[{}, {}]".format, part, part),
        st.builds("{{a: {}, b: {}}}".format, part, part),
        st.builds("({})[*].[{}]".format, part, part),
        st.builds("({})[?a == {}]".format, part, part),
        st.builds("({}) || ({})".format, part, part),
        st.builds("({})[]".format, part),
        st.builds("to_string({})".format, part),
        st.builds("to_array({})".format, part),
        st.builds("join('--', {})".format, part),
        st.builds("map(&({}), {})".format, part, part),
        st.builds("not_null({}, {})".format, part, part),
        st.builds("merge({}, {})".format, part, part),
        st.builds("sort_by({}, &({}))".format, part, part),
        st.builds("keys({})".format, part),
        st.builds("length({})".format, part),
    ),
    max_leaves=6,
)


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - Hypothesis draws the seed


def scenario_data(seed: int) -> bytes:
    dice = dice_of(seed)
    text = dumps(dice.choice(load_catalog()))
    return damaged(dice, text.encode()) if dice.random() < 0.5 else reshaped(dice, text)


def settings_text(seed: int) -> str:
    return damaged(dice_of(seed), default_policy().text.encode()).decode("utf-8", "replace")


def read_scenario(seed: int) -> None:
    with contextlib.suppress(ScenarioError):
        loads(scenario_data(seed).decode("utf-8", "surrogateescape"))


def read_packed(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "s.jsonl.gz")
        file.write_bytes(
            damaged(dice_of(seed), b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + scenario_data(seed)[:500])
        )
        with contextlib.suppress(ScenarioError):
            load_folder(file)


def read_policy(seed: int) -> None:
    with contextlib.suppress(PolicyError):
        load_policy(settings_text(seed), "p")


def read_waivers(seed: int) -> None:
    with contextlib.suppress(WaiverError):
        load_waivers(settings_text(seed), "w")


def read_workflow(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "w.json")
        whole = {"nodes": [{"name": "a", "type": "b", "position": [0, 1]}], "connections": {"a": {"main": [[]]}}}
        file.write_bytes(reshaped(dice_of(seed), json.dumps(whole)))
        made = import_file(file)
        assert made.scenarios or made.refused


def read_run(seed: int) -> None:
    dice = dice_of(seed)
    saved = Path(__file__).parents[1] / "data" / "run-schema-1"
    with tempfile.TemporaryDirectory() as folder:
        for file in saved.iterdir():
            Path(folder, file.name).symlink_to(file)
        name = dice.choice(["manifest.json", "arms.jsonl.gz", "cases.jsonl.gz"])
        data = (saved / name).read_bytes()
        Path(folder, name).unlink()
        Path(folder, name).write_bytes(reshaped(dice, data) if name == "manifest.json" else damaged(dice, data))
        with contextlib.suppress(RunError):
            load_manifest(folder)
            list(iter_trials(folder))
            list(iter_cases(folder))


READERS = [read_scenario, read_packed, read_policy, read_waivers, read_workflow, read_run]


@pytest.mark.parametrize("read", READERS)
@given(seed=SEEDS)
@FEW
def test_a_reader_returns_or_refuses(read: Any, seed: int) -> None:
    read(seed)


@pytest.mark.nightly
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("read", READERS)
@given(seed=SEEDS)
@MANY
def test_a_reader_returns_or_refuses_for_long(read: Any, seed: int) -> None:
    read(seed)


@given(EXPRESSIONS, JSON)
@settings(max_examples=300)
def test_no_value_of_an_expression_is_larger_than_its_bound(expression: str, value: Any) -> None:
    extent = work(expression)
    try:
        made = jmespath.search(expression, value)
    except Exception:  # noqa: BLE001 - an expression without a value has none that is too large
        return
    assert len(json.dumps(made, separators=(",", ":"))) <= extent.times * len(json.dumps(value)) + extent.beside + 4


@given(st.text())
def test_what_is_printed_has_no_danger_and_a_second_time_changes_nothing(text: str) -> None:
    for made in (printable, plain):
        assert dangers_in(made(text)) == []
        assert made(made(text)) == made(text)


@given(st.text())
def test_json_keeps_its_meaning(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    written = json_text(json.dumps({text: [text]}, ensure_ascii=False, indent=2))
    assert dangers_in(written) == []
    assert json.loads(written) == {text: [text]}
