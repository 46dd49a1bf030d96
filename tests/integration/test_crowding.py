"""A server whose sessions one engine uses up: it is told apart from one that is too small, and the run goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from cutover.engines.roles import Role
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.crowding import OURS
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.server import Database, Server, provision

CLIENTS = "53300: sorry, too many clients already"
ROLES: tuple[Role | None, ...] = ("control", "candidate", None)


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    with provision(mode="embedded", settings={"max_connections": "40"}) as server:
        yield server


@pytest.fixture
def databases(small: Server) -> Iterator[dict[Role, Database]]:
    made: dict[Role, Database] = {"control": small.create_database(), "candidate": small.create_database()}
    yield made
    for database in made.values():
        database.drop()


def opened(
    stack: contextlib.ExitStack, database: Database, count: int, name: str = ""
) -> list[psycopg.Connection[Any]]:
    return [
        stack.enter_context(psycopg.connect(database.dsn, autocommit=True, application_name=name)) for _ in range(count)
    ]


def lives(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_sessions_of_a_candidate_that_fills_the_server_end_whoever_met_it(
    small: Server, databases: dict[Role, Database], role: Role | None
) -> None:
    with contextlib.ExitStack() as stack:
        probe = stack.enter_context(OutageProbe(small.dsn, {who: [each.name] for who, each in databases.items()}))
        [observer] = opened(stack, databases["candidate"], 1, OURS)
        [control] = opened(stack, databases["control"], 1)
        leaked = opened(stack, databases["candidate"], 24)
        probe.refused(CLIENTS, role, 1)
        assert [lives(each) for each in (observer, control)] == [True, True]
        assert not any(map(lives, leaked))


@pytest.mark.parametrize(
    ("candidate", "control", "what"), [(24, 9, CLIENTS), (18, 0, CLIENTS), (24, 0, "57P03: starting")]
)
def test_a_server_that_is_too_small_for_both_stays_the_environments(
    small: Server, databases: dict[Role, Database], candidate: int, control: int, what: str
) -> None:
    with contextlib.ExitStack() as stack:
        probe = stack.enter_context(OutageProbe(small.dsn, {who: [each.name] for who, each in databases.items()}))
        mine = opened(stack, databases["candidate"], candidate)
        opened(stack, databases["control"], control)
        with pytest.raises(EnvironmentProblem, match="refused what every engine needs"):
            probe.refused(what, "control", 1)
        assert all(map(lives, mine))
