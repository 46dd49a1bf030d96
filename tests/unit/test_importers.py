"""The registry of importers: ours, those of installed packages, and what is said of those that cannot be used."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from rows import SHIP

from cutover.harness.cli.commands.crash import crash
from cutover.harness.cli.commands.replay import replay
from cutover.harness.cli.commands.run import run
from cutover.harness.cli.plan import ImportSource
from cutover.harness.cli.selection import select
from cutover.harness.cli.status import Status, status_of
from cutover.harness.errors import UsageProblem
from cutover.scenarios.importers import registry
from cutover.scenarios.importers.imported import Imported, ImportRefused
from cutover.scenarios.importers.registry import BrokenImporter, UnknownImporter, broken, import_path, known, resolve
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("help", "--help is another option already"),
        ("out", "--out is another option already"),
        ("trials", "--trials is another option already"),
        ("No Option", "its name must be a short name of small letters"),
        ("-x", "its name must be a short name of small letters"),
    ],
)
def test_one_whose_name_cannot_be_an_option_is_not_known_and_told_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    (folder / "acme_flows.py").write_text(f"{ACME}\nAcme.name = {name!r}\nIMPORTER = Acme()")
    register(monkeypatch, (name, "acme_flows:IMPORTER"))
    assert known() == ("n8n",)
    with pytest.raises(BrokenImporter, match=f"importer '{name}': {said}"):
        resolve(name)
    assert set(broken()) == {name}


def test_no_option_of_a_command_is_free_for_an_importer() -> None:
    commands: list[Callable[..., int]] = [run, crash, replay]
    taken = {
        option.removeprefix("--")
        for command in commands
        for parameter in inspect.signature(command).parameters.values()
        if not parameter.name.startswith("from_") and parameter.kind is parameter.KEYWORD_ONLY
        for option in _options_of(parameter)
    }
    assert taken <= registry._OPTIONS
    assert {"help", "version"} <= registry._OPTIONS
    assert len(taken) > 20


def _options_of(parameter: inspect.Parameter) -> list[str]:
    """How a parameter is written on the command line."""
    declared = [
        name for each in parameter.annotation.__metadata__ for name in (each.default, *(each.param_decls or ()))
    ]
    return [name for name in declared if isinstance(name, str) and name.startswith("--")] or [
        f"--{parameter.name.replace('_', '-')}"
    ]


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


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (42, "returned 42 at flows, and not a tuple of Imported"),
        (None, "returned None at flows, and not a tuple of Imported"),
        ("ab", "returned 'ab' at flows, and not a tuple of Imported"),
        ((3,), r"returned \(3,\) at flows, and not a tuple of Imported"),
        ((Imported(file="a", scenarios=(7,)),), r"returned \(7,\) for a, and not scenarios"),  # type: ignore[arg-type]
        (ZeroDivisionError("by zero"), "raised ZeroDivisionError: by zero at flows"),
        (SystemExit(0), "raised SystemExit: 0 at flows"),
    ],
)
def test_one_that_fails_or_returns_something_else_is_broken(returned: object, said: str) -> None:
    class Odd(Fixed):
        def import_folder(self, _path: Path, /) -> tuple[Imported, ...]:
            if isinstance(returned, BaseException):
                raise returned
            return returned  # type: ignore[return-value]

    with pytest.raises(BrokenImporter, match=f"importer 'fixed': import_folder {said}"):
        import_path(Odd(), Path("flows"))
    assert status_of(BrokenImporter("x"))[0] == Status.USAGE


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
