"""Fixtures that all tests share: a server a process, a fresh database a test, the recorded material."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
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


_MEMORY, _ROOM = Path("/dev/shm"), 4 * 1024**3  # noqa: S108 - a place for files, and not one of them


def _use_memory() -> None:
    """Puts temporary files into memory, where there is room and nobody chose a place.

    Servers and databases are made and removed by the hundred here, and file systems on a disk are slow at that: the
    tests need half the processor time without one, and a third of the time.
    """
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    found = os.statvfs(_MEMORY)
    if found.f_bavail * found.f_frsize >= _ROOM and not found.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # what was found before is forgotten


_use_memory()

# A shell ignores these for what it starts in the background (`nohup`, `&`), and so would the processes that tests stop.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Returns the folder of a name, filled by the first of the worker processes that asks for it."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        with (root / f"{name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (root / name).exists():
                made = Path(tempfile.mkdtemp(dir=root))
                fill(made)
                made.rename(root / name)
        return root / name

    return folder


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
