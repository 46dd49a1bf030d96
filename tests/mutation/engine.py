"""Where mutants of V2 are played: a server for each slot, with a database. Starts processes."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
from psycopg import sql

from cutover.harness.record.costs import PlayCosts
from cutover.harness.run.crash.sampling import selection
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import ProvisionMode, Server, provision
from cutover.harness.run.side.costs import count_costs
from cutover.scenarios.catalog import load_catalog
from mutation.covering.course import Course
from mutation.covering.marks import Marked
from mutation.forks import Say
from mutation.material import gathered
from mutation.mutant import announced
from mutation.playing import Player
from mutation.results import Kill
from mutation.sites import Site
from mutation.stages import Slot, play_engine, walk
from mutation.targets import TARGETS, digest

__all__ = ["engine_player"]

_CONTROL: Final = "v1"
_SETTINGS: Final = {"fsync": "off", "full_page_writes": "off"}
"""Of a server that is started here: it may be stopped with immediate, but the machine goes on."""
_ALONE: Final = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SCHEMAS: Final = r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^(public|play_.*)$'"


@contextmanager
def engine_player(options: Namespace) -> Iterator[Player]:
    """How a fork plays what it imports as V2 on the database of its slot; the original is walked first."""
    catalog = load_catalog()
    material = gathered(
        catalog,
        lambda drawn: selection(drawn, catalog),
        generated=options.generated,
        cases=options.cases,
        restarts=options.restarts,
        seed=options.seed,
    )
    with ExitStack() as stack:
        servers = [_server(stack, options) for _ in range(1 if options.postgres else options.workers)]
        slots = [_slot(stack, servers[number % len(servers)], options) for number in range(options.workers)]
        walked = options.course or Path(stack.enter_context(TemporaryDirectory(prefix="cutover-course-"))) / "course"
        played_on = [options.seed, options.generated, options.cases, options.restarts]
        sources = f"{played_on} {digest(('engines', 'harness/run', 'scenarios', 'tests/mutation'))}"
        control = _costs_of_control(servers[0])
        course = _kept(walked, sources)

        def act(site: Site | None, slot: int, say: Say) -> Kill | None:
            if site is not None:
                assert course is not None
                with announced(site):
                    return play_engine(material, slots[slot], control, say, course.through(site.statement))
            found, kill = walk(material, slots[slot], control, say, Marked(TARGETS["engine"]))
            if kill is None:
                walked.write_text(json.dumps({"sources": sources, **found.document()}), encoding="utf-8")
            return kill

        def passed() -> None:
            nonlocal course
            course = _kept(walked, sources)

        def check() -> None:
            for server in servers:
                server.check()

        yield Player(
            act, prepare=lambda slot: _empty(slots[slot].dsn), check=check, passed=passed, known=course is not None
        )


def _kept(walked: Path, sources: str) -> Course | None:
    """The course that an earlier play of the same sources has left."""
    if not walked.exists():
        return None
    document = json.loads(walked.read_text(encoding="utf-8"))
    return Course.read(document) if document["sources"] == sources else None


def _server(stack: ExitStack, options: Namespace) -> Server:
    mode: ProvisionMode = "url" if options.postgres else options.mode
    return stack.enter_context(provision(options.postgres, mode, settings=_SETTINGS))


def _slot(stack: ExitStack, server: Server, options: Namespace) -> Slot:
    database = server.create_database()
    stack.callback(database.drop)
    return Slot(database.dsn, None if options.postgres else server.restart)


def _costs_of_control(server: Server) -> tuple[PlayCosts, ...]:
    """What the ladder costs the control, which is the same for all mutants."""
    database = server.create_database()
    try:
        install_engine(_CONTROL, database.dsn)
        return count_costs({"control": (_CONTROL, database.dsn)})
    finally:
        database.drop()


def _empty(dsn: str) -> None:
    """Removes all that the mutant before has made in a database; whoever is connected to it is disconnected."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_ALONE)
        for (schema,) in connection.execute(_SCHEMAS).fetchall():
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public")
