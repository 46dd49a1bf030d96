"""`cutover mutants`: what it prints, and its exit status."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.record import mutants as kills
from cutover.harness.run.postgres.server import Server


def test_one_mutant_and_one_control_by_name_and_the_matrix_as_json(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["mutants", "--only", "memo-by-name", "--only", "keys-in-order", "--workers", "1"]
    assert _outcome([*arguments, "--postgres", server.dsn, "--json", "--quiet"]) == 0
    part = json.loads(capsys.readouterr().out)
    assert [(kill["id"], kill["kind"], kill["good"]) for kill in part["kills"]] == [
        ("memo-by-name", "engine", True),
        ("keys-in-order", "control", True),
    ]


def test_a_survivor_is_exit_status_1(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kills.Kill, "good", property(lambda _kill: False))
    arguments = ["mutants", "--only", "memo-by-name", "--workers", "1", "--postgres", server.dsn, "--quiet"]
    assert _outcome(arguments) == 1
    assert capsys.readouterr().out.startswith("FAIL: 0 of 1 mutants killed")


def test_an_unknown_name_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["mutants", "--only", "no-such"]) == 2
    assert "--only no-such: no such mutant or control; there are effect-without-key, record-first" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(("victim", "status"), [("command", -signal.SIGKILL), ("player", 4)])
def test_where_one_is_killed_no_process_and_no_folder_is_left(server: Server, victim: str, status: int) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        code = "from cutover.harness.cli.main import main; main()"
        arguments = ["mutants", "--only", "never-renews", "--workers", "1", "--postgres", server.dsn]
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments], env={**os.environ, "TMPDIR": folder}, stderr=subprocess.DEVNULL
        ) as command:
            while not (sockets := list(Path(folder).glob("cutover-*/.s.*"))):
                assert command.poll() is None
            _, pid, *_ = sockets[0].parent.name.split("-")[1].split("_")
            player = os.pidfd_open(int(pid, 16))
            if victim == "command":
                command.kill()
            else:
                signal.pidfd_send_signal(player, signal.SIGKILL)
        assert command.returncode == status
        assert select.select([player], [], [], 60)[0]
        os.close(player)
        assert list(Path(folder).iterdir()) == []
