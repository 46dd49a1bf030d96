"""Fixtures that all tests share: a server a process, a fresh database a test, the recorded material."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings

from cutover.harness.run.postgres.server import ProvisionMode, Server, provision

# A change is judged by the same examples each time; new ones are found where people run the tests. No example has a
# deadline: a machine that is busy is not a failure.
settings.register_profile("ours", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "ours")

pytest_plugins = ["report_fixtures"]


# A shell ignores these for what it starts in the background (`nohup`, `&`), and so would the processes that tests stop.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


_MADE_ONCE = frozenset({"alone", "analysis", "done", "everything", "rows", "runs"})
"""Fixtures of a module that take long; the tests that share one stay on one worker process."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups the tests that share a fixture which takes long (`pytest -n 2 --dist loadgroup`)."""
    for item in items:
        for name in sorted(_MADE_ONCE.intersection(getattr(item, "fixturenames", ()))):
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{name}"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A real Postgres, embedded unless CUTOVER_TEST_POSTGRES is `auto`, `url` or `container`; one a worker process."""
    mode = cast("ProvisionMode", os.environ.get("CUTOVER_TEST_POSTGRES", "embedded"))
    with provision(mode=mode) as made:
        yield made


@pytest.fixture
def dsn(server: Server) -> Iterator[str]:
    """The URL of an empty database that is gone after the test."""
    database = server.create_database()
    yield database.dsn
    database.drop()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of recorded material beside the project; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "corpora"
    if not folder.is_dir():
        pytest.skip("needs ../shared/corpora beside the project")
    return folder
