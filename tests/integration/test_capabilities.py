"""What an engine does not offer is not asked of it, and is said; it leaves the verdict open and breaks nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cutover.engines.api import Capabilities
from cutover.engines.capabilities import OFFERS, capabilities_fault, lacks_of
from cutover.harness.cli.main import _outcome
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.plays import judge_plays
from cutover.harness.record.cases import ALL_WAYS, Way
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.crash.plan import ways_without
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side.playing import play_all
from cutover.harness.store.lines import read_as
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.needs import needs, offered

CATALOG = {scenario.id: scenario for scenario in load_catalog()}


class Declares:
    """Something with capabilities."""

    def __init__(self, capabilities: object) -> None:
        self.capabilities = capabilities


@pytest.mark.parametrize(
    ("declared", "lacks"),
    [
        (None, ()),
        (Capabilities(), ()),
        (Capabilities(loops=False, one_per_process=True), ("loops", "one_per_process")),
        ({"events": False, "metrics": True}, ("events",)),
        ({"one_per_process": True}, ("one_per_process",)),
        (OFFERS - {"cancel", "waits"}, ("cancel", "waits")),
        ([*OFFERS, "one_per_process"], ("one_per_process",)),
    ],
)
def test_what_an_engine_lacks_follows_from_what_it_declares(declared: object, lacks: tuple[str, ...]) -> None:
    assert capabilities_fault(Declares(declared)) == ""
    assert lacks_of(Declares(declared)) == lacks


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("waits", "are a str"),
        (3, "are a int"),
        ({"wait": True}, "declares the capability 'wait'"),
        ({"waits": "no"}, "waits is 'no'"),
        (["loops", "magic"], "'magic'"),
    ],
)
def test_what_is_no_declaration_is_refused(declared: object, words: str) -> None:
    assert words in capabilities_fault(Declares(declared))


def test_scenarios_tell_what_they_need() -> None:
    assert needs(CATALOG["01-one-activity"]) == frozenset()
    assert needs(CATALOG["41-wait-for-signal"]) == {"signals", "waits"}
    assert needs(CATALOG["42-wait-for-timer"]) == {"injected_clock", "waits"}
    assert needs(CATALOG["04-retry-second-attempt"]) == {"injected_clock", "retries"}
    assert "cancel" in needs(CATALOG["50-cancelled-at-pause"])
    assert needs(CATALOG["53-loop-three-items"]) == {"loops"}
    kept = offered(CATALOG.values(), {"loops", "waits"})
    assert 0 < len(kept) < len(CATALOG)
    assert not any(needs(scenario) & {"loops", "waits"} for scenario in kept)


def test_ways_that_ask_for_more_are_left_out() -> None:
    assert ways_without(ALL_WAYS, ()) == ALL_WAYS
    assert ways_without((Way.ONCE, Way.CANCEL, Way.ZOMBIE), {"cancel", "lease"}) == (Way.ONCE,)


def reasons(folder: Path) -> Mapping[str, tuple[str, str]]:
    document = json.loads((folder / "report.json").read_text("utf-8"))
    return {each["id"]: (each["verdict"], each["text"]) for each in document["reasons"]}


def broken(told: Mapping[str, tuple[str, str]]) -> set[str]:
    return {name for name, (verdict, _) in told.items() if verdict in {"FAIL", "ERROR", "INVALID"}}


def test_a_run_asks_an_engine_for_no_more_than_it_offers(
    server: Server, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / "run"
    asked = ("run", "--candidate", "odd_engines:modest", "--trials", "24", "--seed", "3", "--postgres", server.dsn)
    assert _outcome([*asked, "--skip", "crashes,memory,costs", "--out", str(folder)]) == 3
    assert b"of 24 scenarios left out: they need " in capfdbinary.readouterr().err
    told = reasons(folder)
    assert broken(told) == set()
    lacks = "cancel, concurrent_workers, loops, signal_ids, signals, waits"
    assert told["META offered"] == ("INCONCLUSIVE", f"not offered: {lacks}")
    assert told["SIGNAL"] == ("INCONCLUSIVE", "not offered: signals, waits")
    assert told["OUT"][0] == "PASS"
    assert "INVALID" not in {verdict for verdict, _ in told.values()}
    assert _outcome(["verify", str(folder)]) in {0, 3}


@pytest.fixture
def installed(server: Server) -> Callable[..., Sequence[CheckResult]]:
    """What is said of plays that a candidate was asked for."""

    def judged(candidate: str, *plays: str) -> Sequence[CheckResult]:
        lines, problem = play_all(server, control="v1", candidate=candidate, seed=3, asked=plays)
        assert not problem
        return judge_plays([read_as(PlayRecord, json.loads(line)) for line in lines])

    return judged


def test_a_second_worker_is_turned_away_only_where_a_lease_is_offered(
    installed: Callable[..., Sequence[CheckResult]],
) -> None:
    results = installed("odd_engines:open_to_all", "again", "asked_anew")
    assert {each.check for each in results if each.examined} == {"INSTALL", "IDENT"}
    assert [finding.message for each in results for finding in each.findings] == []


def test_a_history_that_is_not_offered_is_not_missed_in_crash_cases(server: Server) -> None:
    case = ("--case", "03-data-flow@answer:3/once", "--postgres", server.dsn)
    assert _outcome(["crash", "--engine", "odd_engines:forgetful", *case]) == 0


def test_crash_cases_ask_for_no_more_either(
    server: Server, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = ("crash", "--engine", "odd_engines:modest", "--only", "03-data-flow", "--ways", "once,zombie,cancel")
    assert _outcome([*asked, "--postgres", server.dsn, "--out", str(tmp_path / "run"), "--limit", "8"]) == 0
    assert b"ways left out: zombie, cancel; the engine does not offer" in capfdbinary.readouterr().err


def test_an_engine_that_is_alone_in_its_process_has_processes_of_its_own(server: Server, tmp_path: Path) -> None:
    asked = ("run", "--control", "odd_engines:single", "--candidate", "odd_engines:single", "--seed", "3")
    rest = ("--trials", "8", "--skip", "crashes,memory,costs,plays", "--postgres", server.dsn, "--quiet")
    assert _outcome([*asked, *rest, "--workers", "2", "--out", str(tmp_path / "run")]) == 3
    told = reasons(tmp_path / "run")
    assert broken(told) == set()
    assert told["META offered"] == ("INCONCLUSIVE", "not offered: one_per_process")
    assert told["OUT"][0] == told["READ"][0] == "PASS"
