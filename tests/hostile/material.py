"""Bad inputs, as command lines on files that are made for them: a seed and a number make the same one again."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from cutover.harness.judge.policy.loading import default_policy
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps
from hostile.damage import bomb, damaged, reshaped

__all__ = ["KINDS", "BadInput", "bad_input"]

Command: TypeAlias = list[str]
Kind: TypeAlias = Callable[[random.Random, Path], "BadInput"]

_REFUSED = frozenset({2, 4})
_PERHAPS = _REFUSED | {0, 1, 3, 5}
_RUN = Path(__file__).parents[1] / "data" / "run-schema-1"
_WAIVERS = """schema_version = 1
[[waiver]]
id = "rounding"
owner = "a team"
reason = "cents"
expires = 2030-01-01
most_hits = 3
path = "output.total"
"""
_N8N = json.dumps(
    {
        "name": "orders",
        "nodes": [
            {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]},
            {"name": "Get", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.1, "position": [200, 0],
             "retryOnFail": True, "maxTries": 3, "parameters": {"url": "x"}},
            {"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "position": [400, 0],
             "parameters": {"amount": 5, "unit": "minutes"}},
        ],
        "connections": {
            "Start": {"main": [[{"node": "Get", "type": "main", "index": 0}]]},
            "Get": {"main": [[{"node": "Wait", "type": "main", "index": 0}]]},
        },
        "pinData": {"Start": [{"json": {"id": 1}}]},
        "settings": {"executionOrder": "v1"},
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BadInput:
    """A command line on something that is bad; `allowed` are its exit statuses, also those of damage that does none."""

    kind: str
    arguments: Command
    allowed: frozenset[int] = _REFUSED


def bad_input(seed: int, number: int, folder: Path) -> BadInput:
    """Makes the files of a bad input in a folder, and returns it; each kind comes in turn."""
    kind = KINDS[number % len(KINDS)]
    place = folder / f"{number:04d}"
    place.mkdir()
    return kind(random.Random(f"{seed} {number}"), place)  # noqa: S311 - to be drawn again, not to be secret


def _of_scenarios(dice: random.Random, file: Path, kind: str, allowed: frozenset[int] = _REFUSED) -> BadInput:
    command = dice.choice(["run", "crash"])
    return BadInput(kind, [command, "--scenarios", str(file), "--only", "none-has-this-id"], allowed)


def _of_n8n(dice: random.Random, file: Path, kind: str) -> BadInput:
    if dice.random() < 0.5:
        return BadInput(kind, ["run", "--n8n", str(file), "--only", "none-has-this-id"])
    return BadInput(kind, ["import", "n8n", str(file), "--out", str(file.parent / "made")], _PERHAPS)


def _of_settings(dice: random.Random, file: Path, kind: str, allowed: frozenset[int] = _REFUSED) -> BadInput:
    commands: list[Command] = [
        ["policy", "check", str(file)],
        ["policy", "simulate", str(file), "--pairs", "10", "--runs", "1", "--looks", "1", "--stage", "10"],
        ["report", str(_RUN), "--waivers", str(file)],
        ["run", "--waivers", str(file), "--only", "none-has-this-id"],
    ]
    of_policy = file.name.startswith("policy")
    return BadInput(kind, dice.choice(commands[:2] if of_policy else commands[2:]), allowed)


def _of_run(dice: random.Random, run: Path, kind: str) -> BadInput:
    commands: list[Command] = [
        ["report", str(run), "--format", dice.choice(["terminal", "json", "markdown", "html", "junit", "github"])],
        ["verify", str(run), "--no-engines"],
        ["explain", "success", "--run", str(run)],
        ["explain", "03-data-flow@answer:3/zombie", "--run", str(run)],
        ["compare", str(_RUN), str(run)],
    ]
    return BadInput(kind, dice.choice(commands), _PERHAPS)


def _written(file: Path, data: bytes | str) -> Path:
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


@functools.cache
def _scenario_texts() -> tuple[str, ...]:
    return tuple(dumps(scenario) for scenario in load_catalog())


def damaged_scenario(dice: random.Random, place: Path) -> BadInput:
    """A scenario file, damaged."""
    data = damaged(dice, dice.choice(_scenario_texts()).encode())
    return _of_scenarios(dice, _written(place / "s.json", data), "scenario damaged")


def reshaped_scenario(dice: random.Random, place: Path) -> BadInput:
    """A scenario with odd values."""
    data = reshaped(dice, dice.choice(_scenario_texts()))
    return _of_scenarios(dice, _written(place / "s.json", data), "scenario reshaped")


def costly_scenario(dice: random.Random, place: Path) -> BadInput:
    """A condition whose expression doubles its input again and again."""
    parts = "[@, @]", "{a: @, b: @}", "join('', [@, @])", "[@, @][]", "to_string([@, @])", "map(&[@, @], [@, @])"
    expression = " | ".join([dice.choice(parts)] * dice.randint(14, 200))
    start, gate = {"kind": "start", "id": "start"}, {"kind": "condition", "id": "gate", "expression": expression}
    edges = [{"source": "start", "target": "gate"}]
    workflow = {"id": "w", "nodes": [start, gate], "edges": edges}
    document = {"id": "costly", "workflow": workflow, "input": "x" * dice.choice([1, 1_000_000])}
    return _of_scenarios(dice, _written(place / "s.json", json.dumps(document)), "scenario costly")


def large_scenario(dice: random.Random, place: Path) -> BadInput:
    """A scenario with far too much of something."""
    many = dice.choice([6_000, 400_000, 2_000_000])
    whole = json.loads(dice.choice(_scenario_texts()))
    match dice.randrange(5):
        case 0:
            whole["workflow"]["nodes"] = [1] * many
        case 1:
            whole["workflow"]["edges"] = [{}] * many
        case 2:
            whole["tags"] = [[]] * many
        case 3:
            whole |= dict.fromkeys(map(str, range(many)))
        case _:
            whole["title"] = "x" * 40_000_000
    return _of_scenarios(dice, _written(place / "s.json", json.dumps(whole)), "scenario large")


def packed_scenarios(dice: random.Random, place: Path) -> BadInput:
    """A packed file of scenarios that is none, is damaged, or unpacks without end."""
    line = json.dumps(json.loads(_scenario_texts()[0])).encode() + b"\n"
    packed = gzip.compress(line)
    data = dice.choice(
        [
            damaged(dice, packed),
            gzip.compress(damaged(dice, line)),
            gzip.compress(line * 2),
            bomb(b"\0", 1024),
            bomb(b"\n", 1024),
            bomb(b" ", 1024),
            bomb(line, 1024),
            bomb(b"[", 1024),
            line,
        ]
    )
    return _of_scenarios(dice, _written(place / "s.jsonl.gz", data), "scenarios packed")


def damaged_workflow(dice: random.Random, place: Path) -> BadInput:
    """An n8n workflow, damaged."""
    return _of_n8n(dice, _written(place / "w.json", damaged(dice, _N8N.encode())), "n8n damaged")


def reshaped_workflow(dice: random.Random, place: Path) -> BadInput:
    """An n8n workflow with odd values."""
    return _of_n8n(dice, _written(place / "w.json", reshaped(dice, _N8N)), "n8n reshaped")


def damaged_settings(dice: random.Random, place: Path) -> BadInput:
    """A policy or waivers, damaged."""
    name, text = dice.choice([("policy.toml", default_policy().text), ("waivers.toml", _WAIVERS)])
    return _of_settings(dice, _written(place / name, damaged(dice, text.encode())), "settings damaged", _PERHAPS)


def odd_settings(dice: random.Random, place: Path) -> BadInput:
    """TOML that takes much to read, or says nothing that is known."""
    waiver = _WAIVERS.partition("\n")[2]
    text = dice.choice(
        [
            "a = " + "[" * 10_000 + "]" * 10_000,
            "a = " + "{a = " * 10_000 + "1" + "}" * 10_000,
            "a." * 500_000 + "b = 1",
            "[" + "a." * 100_000 + "b]",
            "a = " + "9" * 10_000,
            "a = 0x" + "f" * 10_000,
            "schema_version = nan",
            "schema_version = 1\nname = '\\u202e'\n" + "[[stage]]\n" * 50_000,
            "schema_version = 1\n" + waiver * 100_000,
            "schema_version = 1\n" + "".join(waiver.replace("rounding", f"w{i}") for i in range(5_000)),
            "\n".join(f"k{i} = 1" for i in range(80_000)),
            "#" * 2_000_000,
            "a = '''" + "x\n" * 400_000 + "'''",
            "schema_version = 1979-05-27T07:32:00Z",
        ]
    )
    name = dice.choice(["policy.toml", "waivers.toml"])
    return _of_settings(dice, _written(place / name, text), "settings odd")


def damaged_run(dice: random.Random, place: Path) -> BadInput:
    """A saved run one of whose files is damaged, as it is or with its digest in the manifest mended."""
    run = place / "run"
    shutil.copytree(_RUN, run)
    file = dice.choice(sorted(run.iterdir()))
    data = file.read_bytes()
    if file.suffix == ".gz" and dice.random() < 0.6:
        lines = gzip.decompress(data).splitlines(keepends=True)
        number = dice.randrange(len(lines))
        change = dice.choice([damaged, reshaped])
        lines[number] = change(dice, lines[number]) + b"\n"
        file.write_bytes(gzip.compress(b"".join(lines)))
    elif file.suffix == ".json" and dice.random() < 0.6:
        file.write_bytes(reshaped(dice, data))
    else:
        file.write_bytes(damaged(dice, data))
    if dice.random() < 0.8:
        _mend(run, file)
    return _of_run(dice, run, f"run, {file.name}")


def bombed_run(dice: random.Random, place: Path) -> BadInput:
    """A saved run one of whose files unpacks to very much, its digest mended."""
    run = place / "run"
    shutil.copytree(_RUN, run)
    file = dice.choice(sorted(run.glob("*.gz")))
    file.write_bytes(bomb(dice.choice([b"\0", b"\n", b" ", b"[", b"{}\n"]), 1024))
    _mend(run, file)
    return _of_run(dice, run, f"run bombed, {file.name}")


def _mend(run: Path, file: Path) -> None:
    try:
        manifest: Any = json.loads((run / "manifest.json").read_bytes())
        manifest["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    (run / "manifest.json").write_text(json.dumps(manifest))


def special_file(dice: random.Random, place: Path) -> BadInput:
    """What is no file, or cannot be reached, where a file is asked for."""
    name = dice.choice(["x.json", "x.jsonl", "x.jsonl.gz", "policy.toml"])
    path = _special(dice.randrange(11), place / name, name)
    commands: list[Command] = [
        ["run", "--scenarios", path, "--only", "none-has-this-id"],
        ["run", "--n8n", path, "--only", "none-has-this-id"],
        ["run", "--policy", path],
        ["run", "--waivers", path],
        ["crash", "--scenarios", path, "--only", "none-has-this-id"],
        ["import", "n8n", path, "--out", str(place / "made")],
        ["policy", "check", path],
        ["report", path],
        ["report", str(_RUN), "--policy", path],
        ["verify", path],
        ["compare", str(_RUN), path],
        ["explain", "success", "--run", path],
    ]
    return BadInput(f"special {path[-20:]}", dice.choice(commands))


def _special(which: int, path: Path, name: str) -> str:
    """Makes one of eleven things at a path, or names a path that is none; returns the path to give."""
    if which == 0:
        os.mkfifo(path)
    elif which == 1:
        _listen(path)
    elif which == 2:
        path.mkdir()
    elif which == 3:
        return str(path.with_name("y" * 300 + name))
    elif which == 4:
        return str(path.parent) + "/." * 3_000 + f"/{name}"
    elif which == 5:
        path.write_text("{}")
        return f"{path}/{name}"
    else:
        path.symlink_to(_TARGETS[which - 6])
        if which == 6:
            path.unlink()
            path.symlink_to(path)
    return str(path)


_TARGETS = "itself", "nowhere", "/dev/zero", "/dev/full", "/proc/self/mem"
"""What a link leads to; the first is replaced by a loop."""


def _listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        made.bind(path.name)
        os.chdir(here)


def special_in_run(dice: random.Random, place: Path) -> BadInput:
    """A saved run in which one file is a FIFO, a device, a loop of links or a folder."""
    run = place / "run"
    shutil.copytree(_RUN, run)
    file = run / dice.choice([*sorted(path.name for path in run.iterdir()), "mutants.json", "waivers.toml"])
    file.unlink(missing_ok=True)
    _special(dice.choice([0, 1, 2, 6, 8, 10]), file, file.name)
    return _of_run(dice, run, f"run special, {file.name}")


def odd_arguments(dice: random.Random, place: Path) -> BadInput:
    """Numbers that no run can have, and names that nothing has."""
    del place
    odd = dice.choice(["999999999", "1" * 5_000, "-1", "1e300", "nan", "\x1b[31m", "", "1_0", "\u0663", "0x10", " 5"])
    option = dice.choice(["--trials", "--generated", "--seed", "--workers", "--deadline", "--crash-budget", "--stage"])
    commands: list[Command] = [
        ["run", option, odd, "--only", "none-has-this-id"],
        ["crash", dice.choice(["--seed", "--limit", "--takeover", "--ways"]), odd, "--only", "none-has-this-id"],
        ["crash", "--case", dice.choice(["\x1b@call:1/once", "a@call:" + "9" * 5_000 + "/once", "a@b", "@"])],
        ["run", "--skip", odd or "x"],
        ["policy", "simulate", "--pairs", odd],
        [odd or "x", odd],
        ["run", f"--{odd or 'x'}"],
        ["explain", odd or "x", "--run", str(_RUN)],
    ]
    return BadInput("arguments", dice.choice(commands))


KINDS: tuple[Kind, ...] = (
    damaged_scenario, reshaped_scenario, costly_scenario, large_scenario, packed_scenarios, damaged_workflow,
    reshaped_workflow, damaged_settings, odd_settings, damaged_run, bombed_run, special_file, special_in_run,
    odd_arguments, damaged_run, special_file,
)  # fmt: skip
"""What comes in turn; twice where there is more to draw from."""
