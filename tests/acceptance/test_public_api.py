"""The public interface, used as a program would: every name is there, typed, documented, and does what it says."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cutover
from cutover.harness.store.signing import VerifyingKey, make_key

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def test_every_public_name_is_there_and_on_the_page() -> None:
    documented = set(re.findall(r"^\| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == set(cutover.__all__)
    for name in cutover.__all__:
        assert getattr(cutover, name).__name__ == name or name in {"Report", "CrashReport"}, name
    assert set(cutover.__all__) <= set(dir(cutover))


def listed() -> dict[str, set[str]]:
    """The modules on the page that are public for some of their names, and those names; none for a whole module."""
    rows = re.findall(r"^\| `(cutover\.[\w.]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}


WHOLE = ("cutover.engines.api", "cutover.engines.errors", "cutover.engines.payloads", "cutover.kit")
OF_THE_PROJECT = ("cutover.harness.judge", "cutover.reports", "cutover.scenarios.inputs")
"""What CONTRIBUTING names for who works on Cutover itself."""
DOTTED = re.compile(r"(?<![\w.-])cutover(?:\.[a-z_]\w*)*\.[a-zA-Z_]\w*")


def named(text: str) -> set[str]:
    """Every module or name inside `cutover` that a page names; what `from` takes is put behind its module."""
    found = {
        f"{module}.{name.strip()}"
        for module, names in re.findall(r"^from (cutover[\w.]*) import ([\w, ]+)$", text, re.MULTILINE)
        for name in names.split(",")
    }
    text = re.sub(r"^from .*$", "", text, flags=re.MULTILINE)
    files = ("cutover.xml", "cutover.toml", "cutover.harness.judge...")
    return found | {each for each in DOTTED.findall(text) if not each.startswith(files)}


def is_public(name: str) -> bool:
    module, _, last = name.rpartition(".")
    if (
        name in {"cutover.engines", "cutover.importers"} or module == "cutover"
    ):  # the groups of entry points; names of ours
        return name in {"cutover.engines", "cutover.importers", *WHOLE} or last in cutover.__all__
    return name in {*WHOLE, *listed()} or module in WHOLE or last in listed().get(module, ())


@pytest.mark.parametrize("page", ["../README.md", *sorted(path.name for path in PAGE.parent.glob("*.md"))])
def test_what_pages_for_users_name_is_public(page: str) -> None:
    text = (PAGE.parent / page).read_text(encoding="utf-8")
    assert [name for name in sorted(named(text)) if not is_public(name)] == []


def test_the_names_on_a_page_are_seen() -> None:
    found = named((PAGE.parent / "test-your-engine.md").read_text(encoding="utf-8"))
    assert {"cutover.harness.record.cases.KillPoint", "cutover.harness.conformance"} <= found
    private = "from cutover.harness.cli.plan import RunPlan, Where\n`cutover.harness.run.trials`"
    assert {name: is_public(name) for name in named(private)} == {
        "cutover.harness.cli.plan.RunPlan": False,
        "cutover.harness.cli.plan.Where": False,
        "cutover.harness.run.trials": False,
    }


def test_what_contributors_are_told_is_public_or_of_the_project() -> None:
    names = named((PAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert "cutover.scenarios.importers.imported.Importer" in names
    assert [name for name in sorted(names) if not is_public(name) and not name.startswith(OF_THE_PROJECT)] == []


def test_every_listed_module_has_its_names() -> None:
    assert len(listed()) > 10
    for module, names in listed().items():
        found = importlib.import_module(module)
        assert names <= set(getattr(found, "__all__", names)), module
        assert all(hasattr(found, name) for name in names if not name.startswith("cutover_")), module


def test_an_unknown_name_is_an_attribute_error_that_says_where_the_names_are() -> None:
    with pytest.raises(AttributeError, match=r"cutover\.__all__"):
        _ = cutover.no_such_name  # type: ignore[attr-defined]


def test_importing_it_loads_nothing_but_itself() -> None:
    code = "import sys; before = set(sys.modules); import cutover; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = re.findall(r"'(\w+)", done.stdout)
    assert "cutover" in loaded
    assert not {"psycopg", "pydantic", "pandas", "scipy", "pytest", "typer"} & set(loaded)


def test_a_run_is_made_judged_again_and_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    left_out = ("memory", "plays", "costs", "crashes")
    make_key(tmp_path / "key")
    report = cutover.run_trials(
        trials=4, seed=3, folder=folder, postgres="embedded", skip=left_out, workers=1, sign=tmp_path / "key"
    )
    assert "report.json" in VerifyingKey.load(tmp_path / "key.pub").check(folder)
    assert (report.trials, report.trials_failed, report.verdict.value) == (4, 0, "INCONCLUSIVE")
    assert cutover.read_report(folder) == report
    assert cutover.judge_run(folder) == report
    assert cutover.judge_run(folder, stage=10).stage == 10
    assert capfd.readouterr() == ("", "")


def test_an_engine_is_crashed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = {"only": ["01-one-activity"], "ways": ["once"], "limit": 4, "postgres": "embedded"}
    make_key(tmp_path / "key")
    sound = cutover.crash_engine("v2", folder=tmp_path / "v2", workers=1, sign=tmp_path / "key", **arguments)  # type: ignore[arg-type]
    assert "crash.json" in VerifyingKey.load(tmp_path / "key.pub").check(tmp_path / "v2")
    assert (sound.verdict, sound.cases, sound.failed) == ("PASS", 4, 0)
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_done_is_one_error_class(tmp_path: Path) -> None:
    with pytest.raises(cutover.CutoverError, match="holds no run"):
        cutover.judge_run(tmp_path)
    with pytest.raises(cutover.CutoverError, match="cannot be read"):
        cutover.read_report(tmp_path)
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(cutover.CutoverError, match="is not a report"):
        cutover.read_report(tmp_path)
    with pytest.raises(cutover.CutoverError, match="no such way"):
        cutover.crash_engine(ways=["sideways"])
    with pytest.raises(cutover.CutoverError, match="unknown engine"):
        cutover.run_trials(candidate="no-such-engine", folder=tmp_path / "run")
