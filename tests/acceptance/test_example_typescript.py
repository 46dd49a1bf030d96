"""The orchestrators in TypeScript of the documentation: the old one duplicates after a death, the new one does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cutover.harness.run.postgres.server import Server

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "typescript"
BOTH = ("01-one-activity", "02-start-only", "03-data-flow", "17-route-on-error", "19-condition-true", "30-join-all")
"""Scenarios that the old one can run, too."""
NEW = ("05-retry-third-attempt", "41-wait-for-signal", "42-wait-for-timer", "53-loop-three-items")


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


def cutover(folder: Path, server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cutover", *arguments, "--postgres", server.dsn],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def only(names: Iterable[str]) -> list[str]:
    return [word for name in names for word in ("--only", name)]


def crashed(folder: Path, server: Server, out: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = cutover(folder, server, "crash", *arguments, "--out", str(out))
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.returncode, json.loads((out / "crash.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("engine", "status"), [("old", 1), ("new", 0)])
def test_the_old_one_repeats_an_effect_after_a_death_and_the_new_one_does_not(
    folder: Path, server: Server, engine: str, status: int
) -> None:
    done = cutover(folder, server, "crash", "--engine", engine, "--case", "01-one-activity@reply:1/once")
    assert done.returncode == status, done.stdout + done.stderr
    assert ("step charge: its effect was applied 2 times" in done.stdout) == (engine == "old")


@pytest.mark.nightly
def test_killed_at_every_point_the_old_one_duplicates_and_the_line_repeats_it(
    folder: Path, server: Server, tmp_path: Path
) -> None:
    status, found = crashed(folder, server, tmp_path / "old", "--engine", "old", *only(BOTH))
    assert (status, found["lost"], found["duplicates"] > 0) == (1, 0, True)
    duplicates = [each for each in found["witnesses"] if each["check"] == "DUP"]
    again = cutover(folder, server, "crash", "--engine", "old", "--case", duplicates[0]["case"])
    assert again.returncode == 1
    assert duplicates[0]["message"] in " ".join(again.stdout.split())


@pytest.mark.nightly
def test_killed_at_every_point_of_ten_scenarios_the_new_one_neither_duplicates_nor_loses(
    folder: Path, server: Server, tmp_path: Path
) -> None:
    status, found = crashed(folder, server, tmp_path / "new", "--engine", "new", *only((*BOTH, *NEW)))
    assert (found["scenarios"], found["partial"]) == (10, False)
    assert (status, found["failed"], found["duplicates"], found["lost"], found["unfired"]) == (0, 0, 0, 0, 0)


@pytest.mark.nightly
def test_a_run_of_the_pair_is_undecided_for_what_is_not_offered_and_finds_nothing(
    folder: Path, server: Server, tmp_path: Path
) -> None:
    done = cutover(
        folder, server, "run", "--control", "old", "--candidate", "new", "--trials", "60", "--seed", "5",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    document = json.loads((tmp_path / "run/report.json").read_text(encoding="utf-8"))
    told = {each["id"]: (each["verdict"], each["text"]) for each in document["reasons"]}
    assert {name for name, (verdict, _) in told.items() if verdict in {"FAIL", "ERROR", "INVALID"}} == set()
    assert told["META offered"] == ("INCONCLUSIVE", "not offered: checkpoints, events, metrics")
    assert {name: told[name][0] for name in ("OUT", "DUP", "LOST", "DATA", "PERF", "RESUME")} == dict.fromkeys(
        ("OUT", "DUP", "LOST", "DATA", "PERF", "RESUME"), "PASS"
    )


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


@pytest.mark.parametrize(
    ("expression", "port"),
    [("abs(@.n)", "true"), ("sort_by(@.l, &@.k)[0].k", "true"), ("'@' == '@' && (@.n)", "true"), ("@.none", "false")],
)
def test_an_expression_may_name_the_current_node_anywhere(folder: Path, expression: str, port: str) -> None:
    program = (
        'import { portOf } from "./expressions.mjs"; const [, expression] = process.argv;'
        'process.stdout.write(portOf({ expression, cases: [] }, `{"n":-1,"l":[{"k":2},{"k":1}]}`));'
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program, expression],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == port
