"""README, docs and `--help` against the code: what they show can be typed, and what they name is there."""

from __future__ import annotations

import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer.main

from cutover.harness.cli.app import app
from cutover.harness.cli.formats import Format
from cutover.harness.cli.status import Status
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.judge.differences.waivers import load_waivers
from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.measures.metrics import METRICS
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.record.cases import Way
from cutover.harness.run.side.listing import PLAY_CHECKS

ROOT = Path(__file__).parents[2]
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "node_modules" not in path.parts)
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS)
COMMANDS = typer.main.get_command(app)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), flags=re.DOTALL)


def rows(name: str, head: str) -> dict[str, list[str]]:
    """The rows of the one table whose first heading is `head`, by their first cell without its marks."""
    _, _, below = page(name).partition(f"\n| {head} |")
    assert below, f"{name} has no table of {head}"
    table = below.partition("\n\n")[0].splitlines()[2:]
    cells = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table)
    return {first.strip("`"): rest for first, *rest in cells}


def helped() -> Iterator[tuple[str, str]]:
    """Every command's help by its name, groups' members too."""
    waiting = [("", COMMANDS)]
    while waiting:
        name, command = waiting.pop()
        yield name.strip(), str(command.help or "")
        waiting += [(f"{name} {each}", found) for each, found in getattr(command, "commands", {}).items()]


def shown() -> Iterator[tuple[str, str]]:
    """Every line that starts with `cutover` in a code block of a page or in a command's help."""
    for path in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL):
            yield from ((path.name, line) for line in block.splitlines())
    for name, text in helped():
        yield from ((f"{name} --help", line) for line in text.splitlines())


LINES = sorted({(where, line.strip()) for where, line in shown()})
TYPED = [(where, line) for where, line in LINES if re.match(r"cutover [a-z-]", line)]


def test_there_are_lines_to_try_and_none_has_a_prompt_that_would_be_copied() -> None:
    assert len(TYPED) > 40
    assert not [line for _, line in LINES if line.startswith("$ ")]


@pytest.mark.parametrize(("where", "line"), TYPED)
def test_a_command_that_is_shown_can_be_typed(where: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    for mark in (">", ">>"):
        words = words[: words.index(mark)] if mark in words else words
    command = COMMANDS
    while words and (found := getattr(command, "commands", {}).get(words[0])) is not None:
        command = found
        words = words[1:]
    assert command is not COMMANDS, f"{where}: no such command"
    command.make_context(where, words)  # raises where an option or an argument is unknown or absent


@pytest.mark.parametrize("name", [name for name, _ in helped() if name not in {"", "init", "policy"}])
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    text = dict(helped())[name]
    assert f"\n  cutover {name}" in text
    assert max(map(len, re.findall(r"\n(  cutover .*)", text))) <= 78, "an example fits a terminal of 80 columns"


def test_exit_statuses() -> None:
    told = {int(status): row[0] for status, row in rows("README.md", "status").items()}
    assert set(told) == set(Status)
    for status in (Status.GO, Status.NO_GO, Status.INCONCLUSIVE, Status.ROLLBACK):
        assert told[status] == status.name.replace("_", "-")
    verdicts = rows("docs/reading-the-report.md", "verdict")
    assert {name: int(row[0]) for name, row in verdicts.items()} == {v: v.exit_status for v in StageVerdict}


def test_metrics_and_their_units() -> None:
    listed = rows("docs/policy.md", "metric").items()
    told = {name.strip("`"): row[0] for names, row in listed for name in names.split(", ")}
    assert told == {name: metric.unit for name, metric in METRICS.items()}


def test_formats() -> None:
    assert set(rows("docs/reading-the-report.md", "`--format`")) == set(Format)


def test_classes_and_kinds_of_difference() -> None:
    assert set(rows("docs/reading-the-report.md", "class")) == set(DifferenceClass) - {DifferenceClass.EQUAL}
    (kinds,) = re.findall(r"Kinds are\s+(.*?)\.", page("docs/reading-the-report.md"), flags=re.DOTALL)
    assert re.findall(r"`(\w+)`", kinds) == list(get_args(get_type_hints(Difference)["kind"]))


def test_plays() -> None:
    told = {name: cells[0] for name, cells in rows("docs/plays.md", "play").items()}
    assert told == PLAY_CHECKS


def test_ways_of_interruption() -> None:
    told = {way.strip("`") for ways in rows("docs/crash.md", "way") for way in ways.split(", ")}
    assert told == set(Way)
    assert set(Way) <= set(re.findall(r"[a-z-]+", dict(helped())["crash"]))


def test_checks_that_are_named_are_checks() -> None:
    (first,) = re.findall(r"## What must hold\n\n(.*?)\.\n", page("docs/crash.md"), flags=re.DOTALL)
    alone, shared = (set(re.findall(r"\b[A-Z]{2,}\b", part)) for part in first.split(";"))
    assert alone == set(CRASH_CHECKS)
    assert shared
    assert shared <= set(CHECKS)


def test_criteria_that_pages_name_are_in_the_policy() -> None:
    ids = {criterion.id for criterion in default_policy().criteria}
    text = page("docs/statistics.md") + page("docs/policy.md")
    named = re.findall(r"`((?:compare|worker|latency|degraded)-[a-z-]+)`", text)
    assert named
    assert set(named) <= ids


def test_the_policy_and_the_waivers_of_the_pages_can_be_copied() -> None:
    (policy,) = blocks("docs/policy.md", "toml")
    assert [stage.percent for stage in load_policy(policy, "docs/policy.md").stages] == [0]
    (waivers,) = blocks("docs/waivers.md", "toml")
    load_waivers(waivers, "docs/waivers.md")  # raises where it is none


def test_links_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def named(pattern: str) -> list[tuple[str, str]]:
    """What pages name in code spans and code blocks that has a form, each with its page."""
    found: set[tuple[str, str]] = set()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        code = "\n".join([*re.findall(r"```.*?```", text, flags=re.DOTALL), *re.findall(r"`[^`\n]+`", text)])
        found |= {(path.name, name) for name in re.findall(pattern, code)}
    return sorted(found)


@pytest.mark.parametrize(
    ("where", "name"), named(r"\bcutover\.(?:engines|harness|reports|scenarios)(?:\.[A-Za-z_]\w*)*")
)
def test_modules_and_names_that_pages_name_are_there(where: str, name: str) -> None:
    assert pkgutil.resolve_name(name), where


@pytest.mark.parametrize(
    ("where", "name"), named(r"(?<![\w./-])(?:engines|harness|reports|scenarios|tests|docs)/[\w./-]*")
)
def test_files_and_folders_that_pages_name_are_there(where: str, name: str) -> None:
    assert (ROOT / name).exists(), where


def test_the_engine_of_the_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutover.engines.registry import describe  # noqa: PLC0415 - beside the page that it is about

    engine, test = blocks("docs/test-your-engine.md", "python")
    (tmp_path / "page_engine.py").write_text(engine, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert describe("page_engine:create")[0] == "mine"
    compile(test, "docs/test-your-engine.md", "exec")


def test_the_options_of_the_plugin() -> None:
    source = page("harness/pytest_plugin.py")
    offered = set(re.findall(r'addoption\(\s*"(--[a-z-]+)"', source))
    assert {name.split(" ")[0] for name in rows("docs/test-your-engine.md", "option")} == offered
