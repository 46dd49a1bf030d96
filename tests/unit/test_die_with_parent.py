"""Processes that end with their parent, also one that is too busy to see that it has gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

CHILD = """
import os, signal, sys
from cutover.engines.byprocess.lifeline import die_with_parent
def told(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("told", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, told)
die_with_parent(signal.SIGTERM, os.getppid() + int(sys.argv[1]))
print("begun", flush=True)
while True:
    signal.pause()
"""
PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
sys.stdin.read()
"""


@pytest.mark.parametrize(("mistaken", "said"), [("0", "begun"), ("1", "told")])
def test_a_process_ends_with_its_parent_and_at_once_where_that_is_gone(mistaken: str, said: str) -> None:
    command = [sys.executable, "-c", PARENT, CHILD, mistaken]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == said
        os.kill(parent.pid, signal.SIGKILL)
        assert parent.stdout.read().split() == (["told"] if said == "begun" else [])
