"""The rules of the source tree: names with one meaning, folders and modules of a size to read, no import cycle."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("cutover", "engines", "harness", "reports", "scenarios")
CONTRACT = Path("engines/api.py")
MOST_LINES = 300
MOST_MODULES = 16
"""Fifteen, and the `__init__` that says what lives there."""


def modules() -> Mapping[str, Path]:
    """Each of our modules by its dotted name; what the package's links point to stands under its own folder."""
    files = (path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    found = {}
    for path in files:
        if path.parts[0] == "cutover" and len(path.parts) > 2:
            continue  # a link to a folder that is looked at itself
        parts = path.with_suffix("").parts
        name = ".".join(parts if parts[0] == "cutover" else ("cutover", *parts))
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()
TREES = {name: ast.parse((ROOT / path).read_text(encoding="utf-8")) for name, path in MODULES.items()}


def aliases(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that a module has for other types, such as `Kind = Literal["a", "b"]`, and their lines."""
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                alias = ast.unparse(annotation).endswith("TypeAlias")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                made = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
                alias = made == "NewType" or isinstance(value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)
            case _:
                continue
        words = name.lstrip("_")
        if alias and words[:1].isupper() and not words.isupper():
            yield name, node.lineno


def types() -> Mapping[str, list[str]]:
    """Where each class or type alias is named at the top of a module; a leading underscore makes no other name."""
    found = defaultdict(list, {name: list(places) for name, places in classes().items()})
    for module, tree in TREES.items():
        for name, line in aliases(tree):
            found[name.lstrip("_")].append(f"{module}:{line}")
    return found


def classes() -> Mapping[str, list[str]]:
    """Where each class name is defined at the top of a module; a leading underscore makes no other name."""
    found = defaultdict(list)
    for module, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(f"{module}:{node.lineno}")
    return found


def imported(module: str) -> Iterator[str]:
    """The modules of ours that a module imports, wherever the import stands, also those that only types need."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            yield from inner or {node.module} & MODULES.keys()


def test_the_tree_was_found() -> None:
    assert len(MODULES) > 250
    assert sum(map(len, classes().values())) > 300


def test_no_name_of_a_type_has_two_meanings() -> None:
    assert {name: places for name, places in types().items() if len(places) > 1} == {}
    assert {"Rank", "DifferencePlace", "Role", "DifferenceKind", "PlayedKind"} <= types().keys()


def test_every_way_to_name_a_type_is_seen() -> None:
    source = """
Plain: TypeAlias = int
Quoted: typing.TypeAlias = "int"
_Bare = Literal["a"]
Either = int | None
Other = Plain
Far = ast.Name
New = NewType("New", int)
_T = TypeVar("_T")
LIMIT = OTHER
Made = make()
number: int = 3
"""
    assert [name for name, _ in aliases(ast.parse(source))] == [
        "Plain",
        "Quoted",
        "_Bare",
        "Either",
        "Other",
        "Far",
        "New",
    ]


def test_no_module_is_longer_than_a_sitting_but_the_contract() -> None:
    lengths = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in MODULES.values()}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES and path != CONTRACT} == {}


def test_no_folder_is_crowded() -> None:
    folders = defaultdict(list)
    for path in MODULES.values():
        folders[path.parent].append(path.name)
    assert {folder: len(names) for folder, names in folders.items() if len(names) > MOST_MODULES} == {}


def test_every_folder_and_module_says_what_it_is() -> None:
    silent = [str(path) for name, path in MODULES.items() if not ast.get_docstring(TREES[name])]
    assert silent == []
    folders = {path.parent for path in MODULES.values()}
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


def test_no_imports_go_in_a_circle() -> None:
    graph = {module: set(imported(module)) - {module} for module in MODULES}
    # a package's face hands on names of its own modules, which may import one another through it
    for module, path in MODULES.items():
        if path.name == "__init__.py":
            graph[module] = {other for other in graph[module] if not other.startswith(f"{module}.")}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"these import one another: {' <- '.join(error.args[1])}")
