"""A service that Cutover starts: its port and environment, when it is ready, and how it and all of its end."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from cutover.engines.api import EngineContext
from cutover.engines.byprocess.engine import ForeignEngine
from cutover.engines.byprocess.factory import factory_of
from cutover.engines.byprocess.faults import BadEngineSettings, EngineGone
from cutover.engines.byprocess.hosting import unkillable
from cutover.engines.byprocess.http.port import HeldPort
from cutover.engines.byprocess.lifeline import started_here
from cutover.engines.byprocess.settings import engine_settings
from cutover.engines.registry import BrokenEngine, describe, resolve, sources_of
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.engine import NoActivities

PROGRAM = Path(__file__).parents[1] / "programs/served.py"
KEY = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes `cutover.toml` with a service that starts in one way, and what else is said of it."""
    monkeypatch.chdir(tmp_path)

    def write(way: str = "well", *more: str, url: str = "http://127.0.0.1:{port}/") -> None:
        command = json.dumps([sys.executable, "-S", "-E", str(PROGRAM), way, "{port}"])
        env = 'env = { GIVEN = "at {port}" }'
        lines = ("[engines.mine]", f"command = {command}", f"url = {json.dumps(url)}", env, *more)
        (tmp_path / "cutover.toml").write_text("\n".join(lines))

    return write


def engine(dsn: str = "") -> ForeignEngine:
    settings = engine_settings("mine")
    assert settings is not None
    context = EngineContext(dsn=dsn, activities=NoActivities("a test"), clock=VirtualClock(), log=lambda _line: None)
    return factory_of(settings)(context)


@pytest.mark.parametrize("more", ["", 'startup_line = "ready to serve"', 'ready = "/health"'])
def test_it_is_told_its_port_and_database_and_waited_for(
    entry: Callable[..., None], capfd: pytest.CaptureFixture[str], more: str
) -> None:
    entry("well", more)
    one, other = engine("postgresql://u:p@h/d"), engine()
    try:
        told, without = one.name.split(), other.name.split()
        assert told == ["served", told[1], "postgresql://u:p@h:5432/d", "at", told[1]]
        assert without[2:] == ["None", "at", without[1]]
        assert told[1] != without[1]
        assert len(started_here()) == 2
        one.resume(KEY)
    finally:
        one.close()
        other.close()
    assert not started_here()
    said = capfd.readouterr().err
    assert "| \\x1b[2Jstarting" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("way", "more", "told"),
    [
        ("exits", "", r"at hello: its process ended: exit status 3; its last words: no \\x1b\[31mlicence$"),
        ("never listens", "", r"its service is not ready after 0.3 s: nobody listens on port \d+, which PORT in its"),
        ("well", 'startup_line = "go"', "its service is not ready after 0.3 s: it has not said 'go'"),
        ("never listens", 'ready = "/x"', "its service is not ready after 0.3 s: a GET of /x is not answered with 2xx"),
    ],
)
def test_one_that_does_not_start_is_refused_before_anything_runs(
    entry: Callable[..., None], way: str, more: str, told: str
) -> None:
    entry(way, more, "" if way == "exits" else "ready_timeout_s = 0.3")
    with pytest.raises(BrokenEngine, match=told) as caught:
        describe("mine")
    assert "\n" not in str(caught.value)
    assert not started_here()


def test_a_command_that_does_not_exist_is_named(entry: Callable[..., None], tmp_path: Path) -> None:
    entry()
    text = (tmp_path / "cutover.toml").read_text()
    (tmp_path / "cutover.toml").write_text(text.replace(json.dumps(sys.executable), '"no-such-program"'))
    with pytest.raises(
        BrokenEngine, match="its command cannot be started: No such file or directory: 'no-such-program'"
    ):
        describe("mine")


def test_one_that_dies_is_told_and_started_again(entry: Callable[..., None]) -> None:
    entry("dies at a command")
    mine = engine()
    try:
        first = mine.name
        with pytest.raises(EngineGone, match="at resume: its process ended: exit status 7"):
            mine.resume(KEY)
        assert mine.name != first  # at another port
    finally:
        mine.close()
    assert not started_here()


def test_what_it_started_ends_with_it(entry: Callable[..., None]) -> None:
    entry("leaves a child")
    mine = engine()
    assert mine.name
    (pid,) = started_here()
    (child,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split())
    ended = select.poll()
    descriptor = os.pidfd_open(child)
    ended.register(descriptor, select.POLLIN)
    mine.close()
    assert ended.poll(10_000)
    os.close(descriptor)


def test_a_port_that_is_held_or_taken_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    first = HeldPort()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offered = iter([first.number, taken.getsockname()[1], first.number + 1])
        monkeypatch.setattr("cutover.engines.byprocess.http.port._FIRST", 0)
        monkeypatch.setattr("cutover.engines.byprocess.http.port.secrets.randbelow", lambda _count: next(offered))
        second = HeldPort()
    assert second.number == first.number + 1
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("url", "more", "told"),
    [
        ("http://127.0.0.1:3000", "", "is not http://127.0.0.1:{port}: several of it are started, each here and at"),
        ("https://127.0.0.1:{port}", "", "is not http://127.0.0.1:{port}"),
        ("http://example.com:{port}", "", "is not http://127.0.0.1:{port}"),
        ("ftp://127.0.0.1:{port}", "", "is not one of a service, such as http://127.0.0.1:3000/engine"),
        ("http://u:p@127.0.0.1:{port}", "", "its url has a user, a query or a fragment"),
        ("http://127.0.0.1:{port}?a=1", "", "its url has a user, a query or a fragment"),
        ("http://[::1:{port}", "", "cannot be read: "),
        ("http://127.0.0.1:{port}", 'ready = "health"', "its ready 'health' is not a path that begins with /"),
        ("http://127.0.0.1:{port}", 'ready = "/h"\nstartup_line = "x"', "it has both `ready` and `startup_line`"),
    ],
)
def test_what_is_wrong_with_its_settings_is_one_sentence(
    entry: Callable[..., None], url: str, more: str, told: str
) -> None:
    entry("well", more, url=url)
    with pytest.raises(BadEngineSettings) as caught:
        engine_settings("mine")
    assert told in str(caught.value)
    assert str(caught.value).startswith("engine 'mine': ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('url = "http://h:{port}"', "has {port}, but there is no `command` that starts it"),
        ('url = "http://h"\nready = "/h"', "`ready` and `startup_line` are for a service with a `command`"),
        ('command = "x"\nready = "/h"', "`ready` and `startup_line` are for a service, which has a `url`"),
        ('ready = "/h"', "[engines.mine], command: it is needed, or the `url` of a service"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cutover.toml").write_text(f"[engines.mine]\n{text}\n")
    with pytest.raises(BadEngineSettings) as caught:
        engine_settings("mine")
    assert told in str(caught.value)


def test_one_that_runs_already_is_named_by_its_url_and_cannot_be_killed(entry: Callable[..., None]) -> None:
    entry()
    spec = "http://127.0.0.1:3000/engine/"
    settings = engine_settings(spec)
    assert settings is not None
    assert settings.service is not None
    assert settings.service.url == "http://127.0.0.1:3000/engine"
    assert unkillable(resolve("mine")) == unkillable(resolve("v2")) == ""
    assert "is a service that is not started here, so it cannot be killed; give" in unkillable(resolve(spec))
    assert sources_of(spec)[spec] != sources_of("http://127.0.0.1:3000")["http://127.0.0.1:3000"]
