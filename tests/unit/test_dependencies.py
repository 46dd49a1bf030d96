"""pyproject.toml declares what is imported, in the extra that the importing code belongs to, and nothing else."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ""
"""Stands for `dependencies`, beside the names of the extras."""

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "cutover": (CORE,),
    "engines": (CORE,),
    "engines/adapters/absurd.py": (CORE, "absurd"),
    "engines/adapters/dbos.py": (CORE, "dbos"),
    "engines/adapters/langgraph.py": (CORE, "langgraph"),
    "engines/byprocess/tables": (CORE, "judge"),
    "engines/flags.py": (CORE, "openfeature"),
    "harness": (CORE, "judge"),
    "harness/conformance": (CORE, "judge", "pytest"),
    "harness/pytest_plugin.py": (CORE, "judge", "pytest"),
    "harness/store/signing.py": (CORE, "judge", "signing"),
    "harness/run/postgres/container.py": (CORE, "judge", "containers"),
    "harness/run/postgres/embedded.py": (CORE, "judge", "embedded"),
    "reports": (CORE, "judge"),
    "scenarios": (CORE, "judge"),
    "scenarios/strategies.py": (CORE, "judge", "pytest"),
}
"""What may be imported where; the longest path holds."""
USERS = ("judge", "embedded", "containers", "pytest", "signing", "openfeature")
"""The extras that `all` has."""
OTHERS = ("absurd", "dbos", "langgraph")
"""Engines of others, which whoever wants one asks for by its name."""
CORE_MODULES = ("api", "flags", "journal", "registry", "router", "v1.orchestrator", "v2.orchestrator")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared() -> dict[str, set[str]]:
    """Distributions by extra; what an extra takes from other extras is not repeated."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, set[str]] = {}
    for extra, requirements in {CORE: project["dependencies"], **project["optional-dependencies"]}.items():
        names = {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in requirements}
        found[extra] = {_normal(name) for name in names} - {"orchestrator-cutover"}
    return found


def _sources() -> Iterator[tuple[str, Path]]:
    for folder in ("engines", "harness", "reports", "scenarios"):
        yield from ((path.relative_to(ROOT).as_posix(), path) for path in sorted((ROOT / folder).rglob("*.py")))
    yield from ((path.relative_to(ROOT).as_posix(), path) for path in sorted((ROOT / "cutover").glob("*.py")))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of what is imported, or looked for by `find_spec` or `import_module` under a literal name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Attribute(attr="find_spec" | "import_module") | ast.Name(id="find_spec" | "import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]


def _uses() -> Iterator[tuple[str, str]]:
    """Each third-party import as (file, distribution)."""
    distributions = packages_distributions()
    ours = {*sys.stdlib_module_names, "cutover"}
    for name, path in _sources():
        for module in set(_imported(ast.parse(path.read_text("utf-8")))) - ours:
            found = distributions.get(module, [module])
            yield name, _normal(module if module in found else found[0])  # several share the namespace of one


def _extras_of(name: str) -> tuple[str, ...]:
    return EXTRAS[max((part for part in EXTRAS if name == part or name.startswith(f"{part}/")), key=len)]


def test_every_import_is_declared_where_its_code_belongs() -> None:
    declared = _declared()
    assert [
        f"{name} imports {distribution}, which is in none of {_extras_of(name)}"
        for name, distribution in _uses()
        if not any(distribution in declared[extra] for extra in _extras_of(name))
    ] == []


@pytest.mark.parametrize("extra", [CORE, *USERS])
def test_every_declared_distribution_is_imported_by_code_of_its_extra(extra: str) -> None:
    used = {distribution for name, distribution in _uses() if extra in _extras_of(name)}
    assert _declared()[extra] - used == set()


def test_all_is_every_extra_of_users_and_dev_has_it_too() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extras["all"] == [f"orchestrator-cutover[{','.join(USERS)}]"]
    assert set(extras) == {*USERS, *OTHERS, "all", "bench", "dev"}
    assert "orchestrator-cutover[all]" in extras["dev"]


def _without(extras: tuple[str, ...], code: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs the code where what these extras bring, and nothing else does, cannot be imported."""
    declared = _declared()
    hidden = {name for extra in extras for name in declared[extra]} - declared[CORE]
    modules = sorted(
        module for module, found in packages_distributions().items() if {_normal(name) for name in found} & hidden
    )
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules.update(dict.fromkeys({modules!r}))\n{code}"],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_engines_router_and_flags_need_the_core_alone() -> None:
    done = _without(USERS, "\n".join(f"import cutover.engines.{module}" for module in CORE_MODULES))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_says_what_to_install_where_the_core_stands_alone() -> None:
    done = _without(USERS, "from cutover.harness.cli.main import main\nmain()")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs typer" in done.stderr
    assert "pip install 'orchestrator-cutover[all]'" in done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "from cutover import *",
        "cutover.run_trials",
        "cutover.crash_engine",
        "cutover.judge_run",
        "cutover.read_report",
        "cutover.Report",
        "cutover.CrashReport",
    ],
)
def test_a_public_name_that_needs_an_extra_says_which(statement: str) -> None:
    code = (
        "import cutover\n"
        f"try:\n    exec({statement!r})\n"
        "except cutover.CutoverError as error:\n    print(isinstance(error, ImportError), error)\n"
        "from cutover import Router, resolve\n"
    )
    done = _without(USERS, code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("True ")
    assert "pip install 'orchestrator-cutover[judge]'" in done.stdout


def test_the_conformance_tests_say_which_extra_they_need(tmp_path: Path) -> None:
    code = (
        "import pytest, sys\n"
        "sys.modules['hypothesis'] = None\n"
        "options = ['-p', 'no:cacheprovider', '-p', 'cutover.harness.pytest_plugin']\n"
        "sys.exit(pytest.main([*options, '--pyargs', 'cutover.harness.conformance']))\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    done = _without((), code, tmp_path)
    assert done.returncode == 4
    assert done.stderr.strip() == (
        "ERROR: the conformance tests need hypothesis, not installed here: pip install 'orchestrator-cutover[pytest]'"
    )


def test_the_plugin_does_no_harm_to_the_tests_of_a_project_that_has_the_core_alone(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_theirs.py").write_text("def test_it():\n    pass\n", encoding="utf-8")
    code = (
        "import pytest, sys\n"
        "sys.modules['hypothesis'] = None\n"
        "sys.exit(pytest.main(['-W', 'error', '-p', 'no:cacheprovider', '-p', 'cutover.harness.pytest_plugin']))\n"
    )
    done = _without(tuple(extra for extra in USERS if extra != "pytest"), code, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
