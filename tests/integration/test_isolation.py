"""A database for each runner, or each case: an engine with one queue for all takes up nobody else's execution."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.cli.plan import RunPlan
from cutover.harness.record.isolation import Isolation
from cutover.harness.run.crash.matrix import places
from cutover.harness.run.postgres.dsn import parse_dsn
from cutover.harness.run.postgres.server import Server, copy_again


def test_runners_share_no_database_and_a_template_is_nobodys(server: Server) -> None:
    with places(server, "v2", 2, Isolation.RUNNER) as (dsns, template):
        assert len(set(dsns)) == 2
        assert template is None
    with places(server, "v2", 2, Isolation.CASE) as (dsns, template):
        assert template is not None
        assert {*(parse_dsn(dsn)["dbname"] for dsn in dsns), template[1]} > {template[1]}
        assert len(dsns) == 2


def test_a_database_that_is_made_anew_has_the_settings_and_no_row_of_before(server: Server) -> None:
    with places(server, "v2", 1, Isolation.CASE, relaxed=True) as ([dsn], template):
        assert template is not None
        with psycopg.connect(dsn, autocommit=True) as connection:
            before = connection.execute("SHOW TimeZone").fetchone()
            connection.execute("CREATE TABLE left_over ()")
            copy_again(template[0], parse_dsn(dsn)["dbname"], template[1])
        with psycopg.connect(dsn, autocommit=True) as connection:
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
            assert connection.execute("SHOW TimeZone").fetchone() == before
            assert connection.execute("SELECT to_regclass('left_over')").fetchone() == (None,)


def failed(server: Server, folder: Path, workers: int, *more: str) -> tuple[int, dict[str, int]]:
    asked = ("crash", "--engine", "odd_engines:queued", "--only", "03-data-flow", "--ways", "once")
    rest = ("--workers", str(workers), "--postgres", server.dsn, "--quiet", "--out", str(folder))
    status = _outcome([*asked, "--limit", "6", *more, *rest])
    return status, json.loads((folder / "crash.json").read_text("utf-8"))["failed_by_check"]


@pytest.mark.nightly
def test_an_engine_with_one_queue_comes_out_the_same_however_many_runners_there_are(
    server: Server, tmp_path: Path
) -> None:
    found = [failed(server, tmp_path / str(workers), workers) for workers in (1, 4)]
    found.append(failed(server, tmp_path / "case", 2, "--isolate", "case"))
    assert found == [(0, {})] * 3


def test_a_run_says_how_its_cases_were_kept_apart(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    plan = RunPlan(isolation=Isolation.CASE, seed=1)
    assert RunPlan.of(plan.arguments()) == plan
    assert "--isolate" not in RunPlan(seed=1).arguments()
    assert _outcome(["crash", "--case", "01-one-activity@call:1/once", "--isolate", "case"]) == 2
    assert b"--isolate cannot be given with it" in capfdbinary.readouterr().err
