"""The pytest plugin. Does I/O in its fixtures only.

Use it as `pytest --pyargs cutover.harness.conformance --cutover-engine SPEC`.

It is loaded in every test session of an environment that has Cutover, so it imports what it needs when a fixture is
used, and costs nothing until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from cutover.engines.api import EngineFactory
    from cutover.harness.conformance.session.client import SessionClient
    from cutover.harness.run.postgres.server import ProvisionMode, Server
    from cutover.scenarios.model import Scenario

__all__ = [
    "cutover_dsn",
    "cutover_engine",
    "cutover_keep",
    "cutover_profile",
    "cutover_server",
    "cutover_spec",
    "cutover_stage",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
]

_CONFORMANCE = "cutover.harness.conformance"
_PACKAGES = ("hypothesis", "msgspec", "numpy", "scipy")
"""What the conformance tests need of the extra `pytest`."""
_MODES = ("auto", "container", "embedded")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup("cutover", "workflow engines under test (Cutover)")
    group.addoption(
        "--cutover-engine",
        action="append",
        metavar="SPEC",
        help="engine under test: v1, v2, a name of the entry point group cutover.engines, or package.module:factory;"
        " may be repeated (default: v2)",
    )
    group.addoption(
        "--cutover-postgres",
        default="auto",
        metavar="URL|MODE",
        help="the server: a URL, or auto (CUTOVER_DATABASE_URL, else a container, else the embedded server),"
        " container, embedded (default: auto)",
    )
    group.addoption(
        "--cutover-profile",
        default="ci",
        choices=("quick", "ci", "nightly"),
        help="how long the state machine runs: 25, 200 or 1000 examples of 50 steps (default: ci)",
    )
    group.addoption(
        "--cutover-takeover",
        type=float,
        default=31.0,
        metavar="SECONDS",
        help="how far the virtual clock moves on after a death, beyond the engine's lease (default: 31)",
    )
    group.addoption(
        "--cutover-keep",
        type=Path,
        metavar="DIR",
        help="write the minimal scenario of a failing state machine into this folder, as a catalog file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker; refuses an engine that cannot be loaded before anything runs."""
    config.addinivalue_line("markers", "cutover: drives the engine of --cutover-engine on a real Postgres")
    if any(_CONFORMANCE in argument.replace("/", ".") for argument in config.args):
        _require_extra()
    for spec in config.getoption("--cutover-engine") or ():
        _resolved(spec)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for an engine runs once an engine."""
    if "cutover_spec" in metafunc.fixturenames:
        specs = metafunc.config.getoption("--cutover-engine") or ["v2"]
        metafunc.parametrize("cutover_spec", specs, indirect=True, scope="session")


@pytest.fixture(scope="session")
def cutover_spec(request: pytest.FixtureRequest) -> str:
    """The engine under test, as it was named on the command line."""
    return str(request.param)


@pytest.fixture(scope="session")
def cutover_engine(cutover_spec: str) -> EngineFactory:
    """The factory of the engine under test."""
    return _resolved(cutover_spec)


@pytest.fixture(scope="session")
def cutover_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A Postgres for the whole session; a server that is started for it does not wait for the disk."""
    from cutover.harness.run.crash.matrix import SETTINGS  # noqa: PLC0415 - see the module's docstring
    from cutover.harness.run.postgres.server import provision  # noqa: PLC0415

    wanted = str(pytestconfig.getoption("--cutover-postgres"))
    url = None if wanted in _MODES else wanted
    mode = cast("ProvisionMode", wanted if url is None else "url")
    with provision(url, mode, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def cutover_dsn(cutover_server: Server, cutover_spec: str) -> Iterator[str]:
    """The URL of a database in which the engine under test has created its tables."""
    from cutover.harness.conformance.engine_under_test import installed  # noqa: PLC0415

    with installed(cutover_server, cutover_spec) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def _cutover_client(
    cutover_server: Server, cutover_dsn: str, cutover_spec: str, pytestconfig: pytest.Config
) -> Iterator[SessionClient]:
    from cutover.harness.conformance.session.client import SessionClient  # noqa: PLC0415

    takeover_s = float(pytestconfig.getoption("--cutover-takeover"))
    with SessionClient(cutover_spec, cutover_dsn, takeover_s=takeover_s, restart=cutover_server.restart) as client:
        yield client


@pytest.fixture
def cutover_stage(_cutover_client: SessionClient) -> Iterator[SessionClient]:
    """Plays one scenario after another on the engine under test, in real processes that can be killed."""
    yield _cutover_client
    _cutover_client.drop()


@pytest.fixture
def cutover_profile(pytestconfig: pytest.Config) -> str:
    """How long the state machine runs: quick, ci or nightly."""
    return str(pytestconfig.getoption("--cutover-profile"))


@pytest.fixture
def cutover_keep(pytestconfig: pytest.Config) -> Callable[[Scenario], Path | None]:
    """Writes a scenario into the folder of --cutover-keep, under its id; returns the file, None without the option."""
    folder: Path | None = pytestconfig.getoption("--cutover-keep")

    def keep(scenario: Scenario) -> Path | None:
        if folder is None:
            return None
        from cutover.harness.store.atomic import write_whole  # noqa: PLC0415
        from cutover.scenarios.files import dumps  # noqa: PLC0415

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{scenario.id}.json"
        write_whole(path, dumps(scenario))
        return path

    return keep


def _require_extra() -> None:
    """Refuses to collect the conformance tests where packages are absent that they need."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise pytest.UsageError(
            f"the conformance tests need {', '.join(missing)}, not installed here: "
            "pip install 'orchestrator-cutover[pytest]'"
        )


def _resolved(spec: str) -> EngineFactory:
    from cutover.engines.errors import CutoverError  # noqa: PLC0415
    from cutover.engines.registry import describe, resolve  # noqa: PLC0415

    try:
        describe(spec)
        return resolve(spec)
    except CutoverError as error:
        raise pytest.UsageError(f"--cutover-engine: {error}") from error
