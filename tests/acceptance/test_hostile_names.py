"""Hostile names through every command and format: none reaches a terminal, an annotation, a comment or a page raw."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hostile.names import NAMES, commands_in, dangers_in

from cutover.harness.cli.console import captured, emit
from cutover.harness.cli.formats import Format, rendered
from cutover.harness.cli.main import _outcome
from cutover.harness.cli.status import Status
from cutover.harness.judge.policy.loading import default_policy
from cutover.reports.document import Document
from cutover.reports.messages import Lang
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps

RUN = Path(__file__).parents[1] / "data" / "run-schema-1"
SHARE = [
    pytest.param(name, id=f"name-{number:02d}", marks=() if number % 10 == 0 else pytest.mark.nightly)
    for number, name in enumerate(NAMES)
]


def test_there_are_forty_of_them_and_each_is_seen() -> None:
    assert len(set(NAMES)) == 40
    pages = re.compile(r"[<>|{\[`]")
    assert [name for name in NAMES if not dangers_in(name) and not pages.search(name)] == ["a\nGO", "%0A::error::x"]


def _file_name(name: str) -> str:
    return name.replace("/", "\u2215").replace("\0", "")


def _scenarios(name: str, place: Path) -> Iterator[list[str]]:
    """Command lines on scenarios that are refused for a name."""
    whole = json.loads(dumps(load_catalog()[0]))
    node = whole["workflow"]["nodes"][1]
    odd = {
        "key": whole | {name: 1},
        "kind": whole
        | {"workflow": whole["workflow"] | {"nodes": [*whole["workflow"]["nodes"], node | {"kind": name}]}},
        "id": whole | {"id": f"x{name}", "origin": name},
        "edge": whole | {"workflow": whole["workflow"] | {"edges": [{"source": name, "target": name, "port": name}]}},
        "world": whole | {"world": whole["world"] | {name: [{"output": 1}]}},
        "activity": whole
        | {"workflow": whole["workflow"] | {"id": name, "nodes": [{"kind": "condition", "id": name}]}},
    }
    for what, document in odd.items():
        file = place / f"{what}.json"
        file.write_text(json.dumps(document))
        yield ["run", "--scenarios", str(file), "--only", name]
    file = place / f"f{_file_name(name)}.json"
    file.write_text("[")
    yield ["crash", "--scenarios", str(file)]


def _settings(name: str, place: Path) -> Iterator[list[str]]:
    quoted = json.dumps(name)
    policy = default_policy().text
    texts = {
        "name": re.sub(r'(?m)^name = ".*"', lambda _: f"name = {quoted}", policy, count=1),
        "key": f"{quoted} = 1\n{policy}",
        "metric": re.sub(r'(?m)^metric = ".*"', lambda _: f"metric = {quoted}", policy, count=1),
        "id": re.sub(r'(?m)^id = ".*"', lambda _: f"id = {quoted}", policy, count=1),
    }
    for what, text in texts.items():
        file = place / f"{what}.toml"
        file.write_text(text)
        yield ["policy", "check", str(file)]
    file = place / "waivers.toml"
    waiver = (
        f"id = {quoted}\nowner = {quoted}\nreason = {quoted}\nexpires = 2030-01-01\nmost_hits = 1\npath = {quoted}\n"
    )
    file.write_text(f"schema_version = 1\n[[waiver]]\n{waiver}{quoted} = 1\n")
    yield ["run", "--waivers", str(file)]


def _words(name: str, place: Path) -> Iterator[list[str]]:
    """Command lines in which the name stands itself."""
    word = name.replace("\0", "") or "x"
    yield from (
        [word],
        ["run", word],
        ["run", f"--{word}"],
        ["run", "--candidate", word],
        ["run", "--candidate", f"json:{word}"],
        ["run", "--candidate", f"{word}:x"],
        ["run", "--only", word, "--trials", "1"],
        ["run", "--skip", word],
        ["run", "--trials", word],
        ["run", "--stage", word],
        ["run", "--postgres", f"postgresql://{word}", "--postgres-mode", "embedded"],
        ["run", "--lang", word],
        ["run", "--policy", str(place / word)],
        ["run", "--n8n", str(place / word)],
        ["crash", "--ways", word],
        ["crash", "--case", word],
        ["crash", "--engine", word],
        ["replay", word],
        ["replay", f"{word}@call:1/once"],
        ["explain", word, "--run", str(place / word)],
        ["report", str(place / word)],
        ["report", str(RUN), "--format", word],
        ["verify", str(place / word)],
        ["compare", str(place / word), str(RUN)],
        ["mutants", "--part", word],
        ["mutants", "--seeds", word],
        ["import", word, str(place), "--out", str(place / "made")],
        ["doctor", word],
        ["policy", word],
        ["policy", "simulate", "--seed", word],
    )


def _workflows(name: str, place: Path) -> Iterator[list[str]]:
    nodes = [
        {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "position": [0, 0], "typeVersion": 1},
        {"name": name, "type": f"x.{name}", "position": [9, 0], "typeVersion": 1},
    ]
    flow = {"Start": {"main": [[{"node": name, "type": "main", "index": 0}]]}}
    documents = {
        "node": {"name": name, "nodes": nodes, "connections": flow},
        "end": {"nodes": nodes[:1], "connections": flow},
        "twice": {"nodes": [*nodes, nodes[1]], "connections": {}},
        f"f{_file_name(name)}": {"nodes": 1},
    }
    for what, document in documents.items():
        (place / f"{what}.json").write_text(json.dumps(document))
    yield ["import", "n8n", str(place), "--out", str(place / f"made{_file_name(name)}")]
    yield ["run", "--n8n", str(place), "--only", name]


@pytest.mark.parametrize("lines", [_scenarios, _settings, _words, _workflows])
@pytest.mark.parametrize("name", SHARE)
def test_no_command_repeats_it_raw(
    lines: Callable[[str, Path], Iterator[list[str]]], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for number, arguments in enumerate(lines(name, tmp_path / "in")):
        status = _outcome(arguments)
        said = capsys.readouterr()
        assert status in {Status.USAGE, Status.ENVIRONMENT, Status.GO}, (arguments, said.err)
        assert (number, arguments, dangers_in(said.out + said.err)) == (number, arguments, [])
        assert said.out or said.err.count("\ncutover: ") + said.err.startswith("cutover: ") == 1, arguments


BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
FORGING = "x".join(f"{each}cutover: GO{each}GO for stage 0 %{each}" for each in BREAKS)
"""With every sign that ends a line somewhere it would begin another, which looks like one of ours."""


def forged_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith(("cutover: GO", "GO for stage"))]


@pytest.mark.parametrize("lines", [_scenarios, _settings, _words, _workflows])
def test_no_line_of_an_output_is_another_s(
    lines: Callable[[str, Path], Iterator[list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for arguments in lines(FORGING[:180], tmp_path / "in"):
        _outcome(arguments)
        assert forged_in(capsys.readouterr().err) == [], arguments


def test_nor_is_one_of_an_engine_that_cannot_be_loaded_or_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forging_import.py").write_text(f"raise ImportError({FORGING!a})\n")
    (tmp_path / "forging_name.py").write_text(f"class Engine:\n    name = {FORGING!a}\n")
    monkeypatch.syspath_prepend(tmp_path)
    for debug in ("0", "1"):
        monkeypatch.setenv("CUTOVER_DEBUG", debug)
        for spec in ("forging_import:make", "forging_name:Engine"):
            assert _outcome(["run", "--candidate", spec]) == Status.USAGE
            err = capsys.readouterr().err
            assert [line for line in forged_in(err) if not line.startswith("  ")] == []
            assert debug == "1" or (err.count("\n"), forged_in(err)) == (1, [])


def test_what_has_several_lines_of_ours_keeps_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.toml").write_text('a = 1\n"b\\nc" = 2\n')
    assert _outcome(["policy", "check", str(tmp_path / "odd.toml")]) == Status.USAGE
    first, *further = capsys.readouterr().err.splitlines()
    assert first.startswith("cutover: ")
    assert len(further) > 1
    assert all(line.startswith("  ") for line in further)
    assert any("b\\nc: " in line for line in further)


@pytest.mark.parametrize("name", SHARE)
def test_an_engine_that_fails_with_it_as_it_is_loaded(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"failing_engine_{NAMES.index(name)}"
    (tmp_path / f"{module}.py").write_text(f"raise ValueError({name!a})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CUTOVER_DEBUG", "1")
    assert _outcome(["run", "--candidate", f"{module}:make"]) == Status.USAGE
    assert dangers_in(capsys.readouterr().err) == []


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("name", SHARE)
def test_no_format_repeats_it_raw(
    form: Format, name: str, poisoned: Callable[[str], Document], capsys: pytest.CaptureFixture[str]
) -> None:
    written, plain = (rendered(poisoned(each), form, Lang.EN) for each in (name, "x"))
    emit(written)
    shown = capsys.readouterr().out
    for text in (written, shown):
        assert dangers_in(text, commands=form is Format.GITHUB) == []
    assert commands_in(shown) == commands_in(plain)
    if form is Format.JSON:
        json.loads(shown)
        assert Document.model_validate_json(written) == poisoned(name)
    if form is Format.JUNIT:
        ET.fromstring(shown)  # noqa: S314 - our own


def test_what_a_console_lays_out_is_escaped_and_keeps_its_styles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.text import Text  # noqa: PLC0415 - as the console itself does

    monkeypatch.setenv("FORCE_COLOR", "1")
    emit(captured(lambda console: console.print(Text("a\x1b[2Jb\u202ec", style="red"))))
    assert capsys.readouterr().out == "\x1b[31ma\\x1b[2Jb\\u202ec\x1b[0m\n"


@pytest.mark.parametrize("name", [name for name in NAMES[:24:6] if "/" not in name])
def test_a_run_s_folder_of_that_name_is_told_and_not_obeyed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / name
    shutil.copytree(RUN, run)
    os.truncate(run / "arms.jsonl.gz", 100)
    assert _outcome(["report", str(run)]) == Status.USAGE
    assert dangers_in(capsys.readouterr().err) == []
