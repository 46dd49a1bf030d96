"""The registry of importers: ours, those of installed packages, and what is said of those that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from rows import SHIP

from cutover.harness.cli.plan import ImportSource
from cutover.harness.cli.selection import select
from cutover.harness.errors import UsageProblem
from cutover.scenarios.importers import registry
from cutover.scenarios.importers.imported import Imported, ImportRefused
from cutover.scenarios.importers.registry import BrokenImporter, UnknownImporter, import_path, known, resolve
from cutover.scenarios.model import Scenario

ACME = """
class Acme:
    name = "acme"
    reads = "acme flows"
    def import_folder(self, path):
        return ()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the module path; its modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def register(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    made = EntryPoints([EntryPoint(name=name, value=value, group=registry.GROUP) for name, value in points])
    monkeypatch.setattr(registry, "entry_points", lambda *, group: made.select(group=group))


def test_ours_are_known_and_meet_the_protocol() -> None:
    assert known()[0] == "n8n"
    assert (resolve("n8n").name, resolve("n8n").reads) == ("n8n", "n8n workflows")


def test_an_installed_package_adds_its_own_and_cannot_take_the_place_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "acme_flows.py").write_text(f"{ACME}\nIMPORTER = Acme()")
    register(monkeypatch, ("acme", "acme_flows:IMPORTER"), ("n8n", "acme_flows:IMPORTER"), ("No Option", "acme_flows"))
    assert known() == ("n8n", "acme")
    assert resolve("acme").reads == "acme flows"
    assert type(resolve("n8n")).__name__ == "N8nImporter"


def test_an_unknown_one_is_told_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ("acme", "acme_flows:IMPORTER"))
    with pytest.raises(UnknownImporter, match="workflows of 'zapper' cannot be imported; n8n's and acme's can"):
        resolve("zapper")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere_to_be_found", "loading it raised ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(0)", "loading it raised SystemExit: 0"),
        ("", "loading it raised AttributeError"),
        (f"{ACME}\ndel Acme.reads\nIMPORTER = Acme()", "it has no attribute `reads` that is a text"),
        (f"{ACME}\ndel Acme.import_folder\nIMPORTER = Acme()", "it has no method import_folder"),
        (f"{ACME}\nAcme.name = 'other'\nIMPORTER = Acme()", "it calls itself 'other'"),
    ],
)
def test_one_that_cannot_be_used_is_told_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    (folder / "odd_flows.py").write_text(source)
    register(monkeypatch, ("acme", "odd_flows:IMPORTER"))
    with pytest.raises(BrokenImporter, match=f"importer 'acme': {said}"):
        resolve("acme")


class Fixed:
    """An importer that makes of each path what it was told."""

    name = "fixed"
    reads = "fixed flows"

    def __init__(self, *found: Imported) -> None:
        self._found = found

    def import_folder(self, path: Path, /) -> tuple[Imported, ...]:
        if path.name == "empty":
            raise ImportRefused(f"{path}: nothing to read")
        return self._found


def test_a_scenario_that_breaks_a_rule_is_the_importers_fault() -> None:
    good = Imported(file="a", scenarios=(SHIP,))
    assert import_path(Fixed(good), Path("flows")) == (good,)
    bad = Imported(file="b", scenarios=(replace(SHIP, world={}),))
    with pytest.raises(BrokenImporter, match=r"'fixed': b became scenario .* which is not valid: .*no responses for"):
        import_path(Fixed(good, bad), Path("flows"))


def chosen(monkeypatch: pytest.MonkeyPatch, fixed: Fixed, *paths: str) -> tuple[tuple[Scenario, ...], list[str]]:
    monkeypatch.setattr(registry, "resolve", lambda name: {"fixed": fixed}[name])
    said: list[str] = []
    sources = [ImportSource("fixed", Path(path)) for path in paths]
    found = select(paths=(), imports=sources, trials=None, generated=None, seed=1, only=(), say=said.append)
    return found, said


def test_a_run_on_imported_workflows_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = Fixed(Imported(file="a", scenarios=(SHIP,)), Imported(file="b", refused="b: not a flow"))
    assert chosen(monkeypatch, fixed, "flows") == (
        (SHIP,),
        ["b: not imported: b: not a flow", "1 of 2 fixed flows imported, as 1 scenarios"],
    )


def test_a_run_on_nothing_that_can_be_imported_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UsageProblem, match="none of the 1 fixed flows could be imported; `cutover import fixed` says why"
    ):
        chosen(monkeypatch, Fixed(Imported(file="b", refused="b: not a flow")), "flows")
    with pytest.raises(ImportRefused, match="empty: nothing to read"):
        chosen(monkeypatch, Fixed(), "empty")
