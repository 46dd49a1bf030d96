"""What a server or the system refused, found under whatever was raised."""

from __future__ import annotations

import errno

import psycopg
import pytest

from cutover.engines.errors import EngineError
from cutover.harness.run.process.refusal import is_of_the_machine, refusal_of


def wrapped(error: BaseException) -> EngineError:
    outer = EngineError("cannot go on")
    outer.__cause__ = error
    return outer


CLIENTS = 'connection to server at "127.0.0.1", port 5432 failed: FATAL:  sorry, too many clients already'


@pytest.mark.parametrize(
    ("error", "told", "machine"),
    [
        (psycopg.errors.TooManyConnections("too many connections for role"), "53300: too many connections", True),
        (psycopg.OperationalError(CLIENTS), f"53300: {CLIENTS.replace('  ', ' ')}", True),
        (psycopg.OperationalError("FATAL: remaining connection slots are reserved"), "53300: ", True),
        (psycopg.errors.DiskFull("could not extend file"), "53100: could not extend file", True),
        (psycopg.errors.OutOfMemory("out of memory"), "53200: out of memory", True),
        (psycopg.errors.OutOfMemory("out of shared memory"), "53200: out of shared memory", False),
        (psycopg.errors.ConfigurationLimitExceeded("temporary file size exceeds"), "53400: ", False),
        (psycopg.OperationalError("FATAL: the database system is starting up"), "57P03: ", False),
        (psycopg.errors.AdminShutdown("terminating connection"), "57P01: terminating connection", False),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "ECONNREFUSED: ", False),
        (OSError(errno.EMFILE, "Too many open files"), "EMFILE: ", False),
        (OSError(errno.ENOSPC, "No space left on device"), "ENOSPC: ", True),
        (RuntimeError("can't start new thread"), "EAGAIN: can't start new thread", False),
        (MemoryError(), "ENOMEM:", False),
    ],
)
def test_it_is_told_also_from_under_an_engines_own_error(error: Exception, told: str, *, machine: bool) -> None:
    for each in (error, wrapped(error)):
        assert refusal_of(each).startswith(told)
        assert is_of_the_machine(refusal_of(each)) is machine


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.SerializationFailure("could not serialize access"),
        psycopg.errors.UniqueViolation("duplicate key"),
        psycopg.errors.IdleSessionTimeout("terminating connection due to idle-session timeout"),
        ValueError("too many values"),
        FileNotFoundError(errno.ENOENT, "No such file"),
    ],
)
def test_what_an_engine_does_wrong_is_no_refusal(error: Exception) -> None:
    assert refusal_of(wrapped(error)) == ""


def test_errors_that_were_raised_from_each_other_in_a_circle_come_to_an_end() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert refusal_of(one) == ""
