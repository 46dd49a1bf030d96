"""The registry: which specs name an engine, what is said of those that do not, and which sources count."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from cutover.engines import registry
from cutover.engines.registry import BrokenEngine, UnknownEngine, describe, known, resolve

ENGINE = """
class Mine:
    name = "mine"
    def __init__(self, context): pass
    def install(self): pass
    def execute(self, request): pass
    def resume(self, execution_id, signal=None): pass
    def cancel(self, execution_id): pass
    def journal(self, execution_id): pass
    def close(self): pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, off the module path, with modules that are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_ours_are_known_and_give_their_names() -> None:
    assert known()[:2] == ("v1", "v2")
    assert [describe(spec)[0] for spec in ("v1", "v2")] == ["v1", "v2"]
    assert describe("v1")[1] != describe("v2")[1]
    assert describe("v1") == describe("cutover.engines.v1.orchestrator:create")


def test_a_factory_in_the_current_folder_is_found(folder: Path) -> None:
    (folder / "near.py").write_text(ENGINE)
    assert resolve("near:Mine").__name__ == "Mine"  # type: ignore[attr-defined]
    assert describe("near:Mine")[0] == "mine"


def test_the_digest_is_of_the_factorys_package_and_changes_with_any_source(folder: Path) -> None:
    package = folder / "pack"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "engine.py").write_text(ENGINE)
    (package / "inner" / "step.sql").write_text("SELECT 1")
    (folder / "beside.py").write_text("x = 1")
    first = describe("pack.engine:Mine")
    (folder / "beside.py").write_text("x = 2")
    (package / "notes.txt").write_text("not a source")
    assert describe("pack.engine:Mine") == first
    (package / "inner" / "step.sql").write_text("SELECT 2")
    assert describe("pack.engine:Mine")[1] != first[1]


def test_the_digest_of_a_lone_file_is_its_own(folder: Path) -> None:
    (folder / "lone.py").write_text(ENGINE)
    first = describe("lone:Mine")
    (folder / "other.py").write_text("x = 1")
    assert describe("lone:Mine") == first


def test_an_entry_point_is_known_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plugged.py").write_text(ENGINE)
    point = EntryPoint(name="acme", value="plugged:Mine", group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: EntryPoints([point]).select(group=group))
    assert known() == ("v1", "v2", "acme")
    assert describe("acme")[0] == "mine"
    with pytest.raises(UnknownEngine, match="known are v1, v2, acme"):
        resolve("v3")


@pytest.mark.parametrize("value", ["badplug", "badplug:", ":create", "bad plug:create", "badplug:create:more"])
def test_an_entry_point_that_names_no_factory_is_told_the_form(
    folder: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    (folder / "badplug.py").write_text(ENGINE)
    point = EntryPoint(name="acme", value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: EntryPoints([point]).select(group=group))
    with pytest.raises(BrokenEngine, match=re.escape(f"its entry point is {value!r}, and not of the form")):
        describe("acme")


@pytest.mark.parametrize("spec", ["", "v3", "V1", "cutover.engines.v1.orchestrator"])
def test_an_unknown_name_is_told_the_known_ones(spec: str) -> None:
    with pytest.raises(UnknownEngine, match=r"known are v1, v2.*package\.module:factory"):
        resolve(spec)


@pytest.mark.parametrize("spec", [":create", "module:", "a:b:c", "a..b:c", "a-b:c", "../a:c"])
def test_a_malformed_path_is_told_the_form(spec: str) -> None:
    with pytest.raises(UnknownEngine, match=r"not of the form package\.module:factory"):
        resolve(spec)


def test_an_absent_module_attribute_or_dependency_is_named(folder: Path) -> None:
    (folder / "needy.py").write_text("import nowhere_to_be_found")
    (folder / "wrong.py").write_text("def (")
    (folder / "raising.py").write_text("1 / 0")
    (folder / "poor.py").write_text("Mine = 3")
    (folder / "leaving.py").write_text("import sys; sys.exit(0)")
    for spec, said in (
        ("absent.engine:Mine", "no module 'absent'"),
        ("psycopg.absent:Mine", "no module 'psycopg.absent'"),
        ("needy:Mine", "absent: nowhere_to_be_found"),
        ("wrong:Mine", "raised SyntaxError"),
        ("raising:Mine", "raised ZeroDivisionError: division by zero"),
        ("leaving:Mine", "raised SystemExit: 0"),
        ("poor:Other", "module poor has no 'Other'"),
        ("poor:Mine", "int is not a factory"),
    ):
        with pytest.raises(BrokenEngine, match=said):
            resolve(spec)


def test_a_factory_that_connects_at_once_is_told_when_to(folder: Path) -> None:
    (folder / "eager.py").write_text("def create(context): raise OSError('no server')")
    with pytest.raises(BrokenEngine, match=r"raised OSError: no server; .* connects on first use"):
        describe("eager:create")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("def create(context): return None", "its factory returned None; it must return the engine"),
        ("def create(context): return Mine", "its factory returned the class Mine, and not an instance of it"),
        ("def create(context): return {}", "dict has no method install, execute, resume, cancel, journal, close"),
        ("create = Mine(None)", "an instance of Mine is not a factory; name a function of one context, or the"),
        ("async def create(context): return Mine(context)", "its factory is an `async def`; an engine is synchronous"),
        ("def create(context): yield Mine(context)", "its factory has a `yield`, so that a call of it does nothing"),
        (
            "async def made(context): return Mine(context)\ndef create(context): return made(context)",
            "its factory returned a coroutine; an engine is synchronous",
        ),
        (
            "create = Mine\nasync def execute(self, request): pass\nMine.execute = Mine.cancel = execute",
            "Mine.execute, Mine.cancel is an `async def`; an engine is synchronous",
        ),
        (
            "def create(context): return Mine(context)\nasync def close(self): pass\nMine.close = close",
            "Mine.close is an `async def`; an engine is synchronous",
        ),
        (
            "create = Mine\ndef execute(self, request): yield\nMine.execute = execute",
            "Mine.execute has a `yield`, so that a call of it does nothing",
        ),
        (
            "create = Mine\nclass Late:\n    async def __call__(self, execution_id): pass\nMine.cancel = Late()",
            "Mine.cancel is an `async def`; an engine is synchronous",
        ),
        (
            "create = Mine\nasync def later(): pass\nMine.close = lambda self: later()",
            "its close() returned a coroutine, which nobody awaits; an engine is synchronous",
        ),
        (
            "create = Mine\nclass Stop(BaseException): pass\ndef raises(self): raise Stop('no')\nMine.close = raises",
            "closing it before its first use raised Stop: no; it must do nothing then",
        ),
        (
            "def create(context): return Mine(context)\nMine.name = property(lambda self: 1 / 0)",
            "looking at what its factory returned raised ZeroDivisionError: division by zero",
        ),
        ("def create(): return Mine(None)", "its factory raised TypeError: create() takes 0 positional arguments"),
        ("import sys\ndef create(context): sys.exit(0)", "its factory raised SystemExit: 0"),
        ("create = Mine\ndel Mine.cancel", "Mine has no method cancel; see cutover.engines.api.Engine"),
        ("create = Mine\ndel Mine.name", "Mine has no attribute `name` that is a text"),
        ("create = Mine\nMine.name = 7", "Mine has no attribute `name` that is a text"),
        (
            "create = Mine\nMine.resume = lambda self, execution_id: None",
            "Mine.resume cannot be called as resume(execution_id, signal): too many positional arguments",
        ),
        (
            "create = Mine\nMine.install = lambda self, force: None",
            "Mine.install cannot be called as install(): missing a required argument: 'force'",
        ),
        ("create = Mine\nMine.close = lambda self: self.pool.close()", "closing it before its first use raised"),
    ],
)
def test_what_is_no_engine_is_told_what_it_lacks(folder: Path, change: str, said: str) -> None:
    (folder / "odd.py").write_text(f"{ENGINE}\n{change}\n")
    with pytest.raises(BrokenEngine, match=re.escape(said)):
        describe("odd:create")


def test_a_method_without_a_signature_is_left_to_show_itself(folder: Path) -> None:
    (folder / "opaque.py").write_text(f"{ENGINE}\nMine.cancel = max\n")
    assert describe("opaque:Mine")[0] == "mine"


def test_an_engine_with_a_loop_of_its_own_inside_is_one(folder: Path) -> None:
    inside = """
import asyncio, functools
def waits(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return asyncio.run(function(*arguments))
    return wrapper
async def execute(self, request): pass
Mine.execute = waits(execute)
"""
    (folder / "inner.py").write_text(f"{ENGINE}\n{inside}")
    assert describe("inner:Mine")[0] == "mine"


def test_a_class_is_refused_before_anything_is_made_of_it(folder: Path) -> None:
    (folder / "late.py").write_text(f"{ENGINE}\nasync def execute(self, request): pass\nMine.execute = execute\n")
    with pytest.raises(BrokenEngine, match="execute is an `async def`"):
        resolve("late:Mine")
