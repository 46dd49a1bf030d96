"""Commands that get a signal at some moment, they or a process of theirs, and what is then left of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judging import judge_run
from cutover.harness.run.postgres.server import Server, provision
from cutover.harness.store.reader import load_manifest, load_run

__all__ = ["COMMANDS", "SIGNALS", "Shot", "drawn", "struck"]

ROOT: Final = Path(__file__).resolve().parents[1]
COMMAND: Final = (sys.executable, "-c", "from cutover.harness.cli.main import main; main()")
MARK: Final = "CUTOVER_TEST_SHOT"
SIGNALS: Final = ("KILL", "TERM", "INT", "HUP", "STOP")
"""STOP is followed by CONT."""
COMMANDS: Final[Mapping[str, tuple[float, tuple[str, ...]]]] = {
    "run": (
        9.0,
        ("run", "--trials", "8", "--workers", "2", "--skip", "plays,costs", "--crash-budget", "2", "--out", "OUT"),
    ),
    "run of plays": (
        12.0,
        ("run", "--trials", "2", "--skip", "routing,memory,costs,crashes", "--out", "OUT"),
    ),
    "crash": (6.0, ("crash", "--only", "03-data-flow", "--limit", "40", "--workers", "2", "--out", "OUT")),
    "mutants": (6.0, ("mutants", "--only", "no-reaper", "--only", "never-renews", "--workers", "2")),
    "report": (3.0, ("report", str(ROOT / "tests/data/run-schema-1"), "--format", "html", "--out", "OUT.html")),
    "import": (2.0, ("import", "n8n", "IN", "--out", "OUT")),
}
"""Each with about how long it takes, s."""
HAS_SERVER: Final = ("run", "run of plays", "crash", "mutants")
RUNS: Final = ("run", "run of plays")
SAVING: Final = (*RUNS, "crash")
WORKFLOW: Final = {
    "name": "one step",
    "nodes": [{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]}],
    "connections": {},
}
PATIENCE_S: Final = 150.0
"""How long a command may go on after the signal: one that is not the end of it is played to its end."""
UNWINDING_S: Final = 15.0
"""How long processes may go on that unwind what they have begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A signal: to the command itself (`parent`), a kind of child, or any `child`; `after_s` from its start."""

    command: str
    sign: str
    kind: str = "parent"
    after_s: float = 1.0
    embedded: bool = False


@dataclass(slots=True)
class Struck:
    """What came of a shot: `hit` is what got the signal, nothing where there was no such process any more."""

    hit: str = ""
    status: int = 0
    faults: list[str] = field(default_factory=list)


def drawn(seed: int, count: int) -> Iterator[Shot]:
    """Yields as many shots, every command with every signal as often as any other."""
    dice = random.Random(seed)  # noqa: S311 - so that a seed repeats it
    pairs = [(command, sign) for command in COMMANDS for sign in SIGNALS]
    for number in range(count):
        if number % len(pairs) == 0:
            dice.shuffle(pairs)
        command, sign = pairs[number % len(pairs)]
        yield Shot(
            command=command,
            sign=sign,
            kind="child" if command in HAS_SERVER and dice.random() < 0.6 else "parent",
            after_s=dice.uniform(0.05, COMMANDS[command][0]),
            embedded=dice.random() < 0.4,
        )


def struck(shot: Shot, server: Server, dice: random.Random) -> Struck:
    """Shoots, waits for the end, starts anew, and looks at what is left."""
    found = Struck()
    before = _databases(server)
    place = Path(tempfile.mkdtemp(prefix="shot-", dir="/tmp"))
    try:
        place.chmod(0o755)
        temporary = place / "tmp"
        temporary.mkdir(mode=0o777)
        temporary.chmod(0o777)
        with (place / "said").open("w+", encoding="utf-8") as said:
            process = _begun(shot, server, place, said.fileno())
            try:
                found.hit = _shoot(shot, process, place, dice)
                found.status = _ended(process)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            found.faults += _told(shot, found, said.read())
        _start_anew(server, temporary)
        found.faults += _left(place, temporary, server, before)
        found.faults += _saved(shot, place / "out", found.status)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return found


def _begun(shot: Shot, server: Server, place: Path, said: int) -> subprocess.Popen[bytes]:
    names = {"OUT": str(place / "out"), "OUT.html": str(place / "out.html"), "IN": str(_workflows(place))}
    words = [names.get(word, word) for word in COMMANDS[shot.command][1]]
    if shot.command in HAS_SERVER:
        words += ["--postgres-mode", "embedded"] if shot.embedded else ["--postgres", server.dsn]
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("COV_", "COVERAGE"))}
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=place,
        env={**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(place / "tmp"), MARK: str(place)},
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
    )


def _workflows(place: Path) -> Path:
    folder = place / "in"
    if not folder.exists():
        folder.mkdir()
        for number in range(300):
            (folder / f"{number}.json").write_text(json.dumps({**WORKFLOW, "name": f"flow {number}"}), encoding="utf-8")
    return folder


def _shoot(shot: Shot, process: subprocess.Popen[bytes], place: Path, dice: random.Random) -> str:
    """Sends the signal; returns the kind of process that got it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(shot.after_s)
    waited = False
    while process.poll() is None:
        kinds = _kinds(process.pid, place)
        if waited and len(kinds) > 1:  # a child has come at last, and is to be hit at any moment, not at its first
            waited = False
            time.sleep(dice.uniform(0, 1.5))
            continue
        children = sorted(kinds.keys() - {"parent"})
        kind = dice.choice(children) if shot.kind == "child" and children else shot.kind
        if kind in kinds:
            target = dice.choice(sorted(kinds[kind]))
            with contextlib.suppress(ProcessLookupError):
                os.kill(target, signal.Signals[f"SIG{shot.sign}"])
                if shot.sign == "STOP":
                    time.sleep(dice.uniform(0.05, 0.5))
                    os.kill(target, signal.SIGCONT)
                return kind
        waited = True
        time.sleep(0.01)
    return ""


def _kinds(parent: int, place: Path) -> Mapping[str, list[int]]:
    """Returns the processes of a command by their kinds; those of the server itself are one: its postmaster."""
    kinds = defaultdict(list, {"parent": [parent]})
    parents, lines = {}, {}
    for pid in _processes(place):
        with contextlib.suppress(OSError):
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
            lines[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    for pid, line in lines.items():
        if kind := _kind(line):
            above, forks = pid, 0
            while lines.get(parents[above]) == line:  # it was forked from another one, not started
                above, forks = parents[above], forks + 1
            kinds[kind + ".fork" * forks].append(pid)
    return kinds


def _kind(line: Sequence[bytes]) -> str:
    for word in line:
        if word.startswith(b"cutover.harness.") and word.endswith(b":main"):
            return word.decode().removesuffix(":main").rpartition(".")[2]
    if line[0] == b"/bin/sh":
        return "guard"
    return "postmaster" if line[0].endswith(b"/bin/postgres") else ""


def _processes(place: Path) -> list[int]:
    """Returns the processes that a command has started, by their environment, or by where they work."""
    marked, found = f"{MARK}={place}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            named = marked in (entry / "environ").read_bytes().split(b"\0")
            if named or (entry / "cwd").readlink().is_relative_to(place):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def _ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(PATIENCE_S)


def _told(shot: Shot, found: Struck, said: str) -> list[str]:
    """Says what the exit status must not be: a verdict on the engine, an internal error, or one of Python's own."""
    faults = []
    if found.status in {1, 70}:
        faults.append(f"exit status {found.status}: {said[-600:]}")
    if shot.kind == "parent" and shot.sign != "STOP" and found.hit and found.status == 0 and shot.command in RUNS:
        faults.append("a run that was interrupted says GO")
    return faults


def _start_anew(server: Server, temporary: Path) -> None:
    """What any command does first."""
    kept, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        with provision(server.dsn):
            pass
    finally:
        tempfile.tempdir = kept


def _left(place: Path, temporary: Path, server: Server, before: set[str]) -> list[str]:
    until = time.monotonic() + UNWINDING_S
    while (alive := _processes(place)) and time.monotonic() < until:
        time.sleep(0.05)
    faults = [f"process {pid}: {_line(pid)}" for pid in alive]
    faults += [f"folder {path.name}" for path in temporary.iterdir()]
    return faults + [f"database {name}" for name in _databases(server) - before]


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:300]
    except OSError:
        return "gone meanwhile"


def _saved(shot: Shot, folder: Path, status: int) -> list[str]:
    """What is wrong with a run that was saved: it must be read and judged, and be partial unless it came to its end."""
    if shot.command not in SAVING:
        return []
    if not (folder / "manifest.json").exists():
        found = sorted(path.name for path in folder.glob("[!.]*"))
        return [f"the run's folder has no manifest, and {', '.join(found)}"] if found else []
    manifest = load_manifest(folder)
    load_run(folder)
    if manifest.partial and shot.command in RUNS and judge_run(folder, default_policy(), 0).verdict in {"GO", "NO-GO"}:
        return ["a partial run has a verdict"]
    if status not in {0, 1, 3, 5} and not manifest.partial and manifest.finished < manifest.planned:
        return ["a run that was interrupted is not marked as partial"]
    return []


def _databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
