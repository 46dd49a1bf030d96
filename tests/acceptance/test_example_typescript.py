"""The orchestrators in TypeScript of the documentation: the old one duplicates after a death, the new one does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "typescript"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its packages."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("needs node and npm")
    copy = tmp_path_factory.mktemp("orchestrators") / "typescript"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("node_modules"))
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline"]
    if subprocess.run(install, cwd=copy, capture_output=True, check=False).returncode:
        pytest.skip("npm has no packages here")
    return copy


def cutover(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cutover", *arguments, "--postgres-mode", "embedded"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def crashed(folder: Path, out: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = cutover(folder, "crash", *arguments, "--out", str(out))
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.returncode, json.loads((out / "crash.json").read_text(encoding="utf-8"))


def test_the_old_one_repeats_an_effect_and_the_line_that_says_so_repeats_it(folder: Path, tmp_path: Path) -> None:
    case = ("--engine", "old", "--case", "01-one-activity@reply:1/once")
    status, found = crashed(folder, tmp_path / "old", *case)
    assert (status, found["duplicates"], found["lost"]) == (1, 1, 0)
    assert crashed(folder, tmp_path / "again", *case)[1]["witnesses"] == found["witnesses"]


def test_the_new_one_does_not(folder: Path, tmp_path: Path) -> None:
    status, found = crashed(folder, tmp_path / "new", "--engine", "new", "--case", "01-one-activity@reply:1/once")
    assert (status, found["passed"], found["duplicates"], found["lost"]) == (0, 1, 0, 0)


@pytest.mark.nightly
def test_the_new_one_survives_every_death_in_retries_loops_waits_and_joins(folder: Path, tmp_path: Path) -> None:
    only = ("03-data-flow", "05-retry-third-attempt", "32-join-any", "41-wait-for-signal", "53-loop-three-items")
    names = [word for name in only for word in ("--only", name)]
    status, found = crashed(folder, tmp_path / "new", "--engine", "new", *names, "--workers", "2", "--limit", "200")
    assert (status, found["failed"], found["duplicates"], found["lost"]) == (0, 0, 0, 0)


@pytest.mark.nightly
def test_a_run_of_both_finds_nothing_against_the_new_one(folder: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    engines = ("--control", "old", "--candidate", "new")
    done = cutover(folder, "run", *engines, "--trials", "60", "--skip", "crashes", "--out", out, "--json")
    report = json.loads(done.stdout)
    assert report["verdict"] in {"GO", "INCONCLUSIVE"}, done.stderr


def test_its_protocol_is_that_of_a_new_engine() -> None:
    skeleton = ROOT / "harness/cli/skeletons/typescript/protocol.mjs"
    assert (EXAMPLE / "protocol.mjs").read_bytes() == skeleton.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[1,1.0,-0.0,1e22,12345678901234567890,"\\u0000\\ud800x\\"y"],"e":{},"f":[]}',
        '[true,false,null,"",{"__proto__":{"b":2}}]',
    ],
)
def test_its_json_comes_back_to_the_letter(text: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    program = 'import { parse, stringify } from "./json.mjs"; process.stdout.write(stringify(parse(process.argv[1])));'
    done = subprocess.run(
        [node, "--input-type=module", "-e", program, text], cwd=EXAMPLE, capture_output=True, text=True, check=True
    )
    assert done.stdout == text


@pytest.mark.parametrize(("text", "depth"), [("1", 0), ("[[]]", 2), ('{"a":"[[["}', 1), ('[{"\\"[":[1,[2]]},[]]', 4)])
def test_its_depth_counts_lists_and_objects_and_not_signs_in_texts(text: str, depth: int) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    program = 'import { depthOf } from "./json.mjs"; process.stdout.write(String(depthOf(process.argv[1])));'
    done = subprocess.run(
        [node, "--input-type=module", "-e", program, text], cwd=EXAMPLE, capture_output=True, text=True, check=True
    )
    assert done.stdout == str(depth)
