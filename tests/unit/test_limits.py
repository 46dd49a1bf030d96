"""The limits and the page about them; what each reader says beyond its own."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import threading
from pathlib import Path

import pytest
from hostile.damage import bomb

from cutover.harness.cli import limits as asked
from cutover.harness.cli.main import _outcome
from cutover.harness.errors import RunError
from cutover.harness.judge.differences.waivers import Waiver, WaiverError, load_waivers
from cutover.harness.judge.policy.loading import load_policy
from cutover.harness.judge.policy.model import PolicyError
from cutover.harness.store.files import lines_of
from cutover.harness.store.tables import StoredFile
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.files import load_folder
from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.importer import IMPORTER
from cutover.scenarios.inputs import limits
from cutover.scenarios.inputs.files import FileRefused, below, kind_of, read_text

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"


def test_the_page_lists_every_limit() -> None:
    table = (
        PAGE.read_text(encoding="utf-8").partition("<!-- limits: begin -->\n")[2].partition("<!-- limits: end -->")[0]
    )
    rows = "".join(f"| `{name}` | {one.most:,} {one.unit} | {one.of} |\n" for name, one in limits.LIMITS.items())
    assert table == rows


def test_the_command_line_takes_its_numbers_from_the_same_place() -> None:
    found = {
        name: one.most for name, one in vars(asked).items() if isinstance(one, asked.CountLimit | asked.NumberLimit)
    }
    assert found == {
        "TRIALS": limits.TRIALS.most,
        "GENERATED": limits.TRIALS.most,
        "SEED": limits.SEED.most,
        "CASES": limits.CASES.most,
        "WORKERS": limits.WORKERS.most,
        "RUNNERS": limits.RUNNERS.most,
        "DEADLINE_S": limits.DEADLINE_SECONDS.most,
        "TAKEOVER_S": limits.TAKEOVER_SECONDS.most,
        "CRASH_BUDGET_S": limits.CRASH_BUDGET_SECONDS.most,
        "STAGE": 100,
        "SHARE": 1,
        "PAIRS": 100_000,
        "SIMULATIONS": 10_000,
        "LOOKS": 1_000,
        "RUNS": 1_000,
    }


@pytest.mark.parametrize("option", ["--trials", "--generated"])
def test_more_trials_than_fit_in_memory_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["run", option, "999999999"]) == 2
    assert "100000" in capsys.readouterr().err


@pytest.mark.parametrize("piece", [b"\0", b"\n", b'{"a": 1}\n'])
def test_a_packed_file_that_unpacks_without_end_is_refused(tmp_path: Path, piece: bytes) -> None:
    (tmp_path / "s.jsonl.gz").write_bytes(bomb(piece, 512))
    with pytest.raises(ScenarioError, match=r"larger than 33,554,432|more than 134,217,728|is not JSON|is missing"):
        load_folder(tmp_path)


def test_a_saved_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.harness.store.files._UNPACKED_AT_ONCE", 1 << 10)
    for name in ("STORED_LINE_BYTES", "STORED_UNPACKED_BYTES"):
        data = gzip.compress(b"x" * 5_000 if "LINE" in name else b"xx\n" * 5_000)
        (tmp_path / "arms-0001.jsonl.gz").write_bytes(data)
        stored = StoredFile("arms-0001.jsonl.gz", hashlib.sha256(data).hexdigest())
        with monkeypatch.context() as patched:
            patched.setattr(f"cutover.harness.store.files.{name}", limits.InputLimit(4_000, "bytes", "x"))
            with (
                pytest.raises(RunError, match=r"unpacks to more than 4,000 bytes"),
                lines_of(tmp_path, stored) as lines,
            ):
                list(lines)
        with lines_of(tmp_path, stored) as lines:
            assert sum(map(len, lines)) == (5_000 if "LINE" in name else 15_000)


def test_a_fifo_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "policy.toml")
    opened = threading.Thread(target=lambda: (tmp_path / "policy.toml").open("wb").close(), daemon=True)
    opened.start()
    with pytest.raises(FileRefused, match=r"policy\.toml is a FIFO or pipe, and not a file"):
        read_text(tmp_path / "policy.toml", limits.SETTINGS_BYTES)
    assert opened.is_alive()  # a reader would have let the writer go on
    (tmp_path / "policy.toml").open("rb").close()
    opened.join()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/tty"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(FileRefused, match="is a device, and not a file"):
        read_text(Path(device), limits.SETTINGS_BYTES)


def test_what_is_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert kind_of(tmp_path) == "a folder"
    assert kind_of(tmp_path / "none") is None
    assert kind_of(PAGE / "below a file") is None
    for path in (tmp_path / "loop", tmp_path / ("x" * 300)):
        with pytest.raises(FileRefused, match=r"cannot be read: (Too many levels|File name too long)"):
            kind_of(path)


def test_a_folder_with_too_much_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "up").symlink_to(tmp_path)
    (deep / "s.json").touch()
    assert list(below(tmp_path)) == [deep / "s.json"]
    monkeypatch.setattr("cutover.scenarios.inputs.files.FOLDER_ENTRIES", limits.InputLimit(3, "entries", "x"))
    with pytest.raises(FileRefused, match="has more than 3 entries"):
        list(below(tmp_path))


def test_a_number_of_four_hundred_digits_costs_no_other_file(tmp_path: Path) -> None:
    node = {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "position": [0, 0], "typeVersion": 1}
    wait = {"name": "Wait", "type": "n8n-nodes-base.wait", "position": [1, 0], "typeVersion": 1}
    flow = {"Start": {"main": [[{"node": "Wait", "type": "main", "index": 0}]]}}
    huge = 10**400
    odd = {
        "good": [node, wait],
        "position": [node | {"position": [huge, -huge]}, wait],
        "version": [node | {"typeVersion": huge}, wait],
        "amount": [node, wait | {"parameters": {"amount": huge, "unit": "hours"}}],
        "tries": [node, wait | {"type": "x.y", "retryOnFail": True, "maxTries": huge, "waitBetweenTries": -huge}],
    }
    for name, nodes in odd.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"nodes": nodes, "connections": flow}))
    (tmp_path / "float.json").write_text('{"nodes": [{"name": "a", "type": "b", "typeVersion": 1e400}]}')
    found = {Path(one.file).stem: one.refused for one in IMPORTER.import_folder(tmp_path)}
    assert found == {**dict.fromkeys(odd), "float": "float.json: no JSON: 1e400 is larger than any number that is kept"}


def test_a_folder_of_workflows_has_a_limit_of_its_own(tmp_path: Path) -> None:
    for number in range(14):
        with (tmp_path / f"{number}.json").open("wb") as file:
            file.truncate(20_000_000)  # no disk is used
    with pytest.raises(ImportRefused, match="more than 268,435,456 bytes"):
        IMPORTER.import_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 10_000 + "]" * 10_000, "more than 50 levels"),
        ("a = " + "[" * 51 + "]" * 51, "more than 50 levels"),
        ("a = " + "9" * 10_000, "an integer of more digits than Python reads"),
        ("a = 0x" + "f" * 10_000, "an integer of more digits than Python reads"),
        ("a." * 60 + "b = 1", "a key of more than 50 parts"),
        ("#" * 1_048_577, "larger than 1,048,576 bytes"),
        ("\n".join(f"k{i} = 1" for i in range(20_000)), "problems, so it is hardly such a file"),
        ("a = ", "not TOML"),
    ],
)
def test_settings_that_take_much_to_read_are_refused(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=f"p: .*{re.escape(said)}"):
        load_policy(text, "p")
    with pytest.raises(WaiverError, match=f"w: .*{re.escape(said)}"):
        load_waivers(text, "w")


def _waivers(many: int, name: str = "w{}") -> str:
    one = 'id = "{}"\nowner = "o"\nreason = "r"\nexpires = 2030-01-01\nmost_hits = 1\npath = "output.x"\n'
    return "schema_version = 1\n" + "".join(f"[[waiver]]\n{one.format(name.format(i))}" for i in range(many))


def test_waivers_are_limited_in_number_and_so_are_the_problems_that_are_shown() -> None:
    assert len(load_waivers(_waivers(1_000), "w").waivers) == 1_000
    with pytest.raises(WaiverError, match="w: 1,001 waivers; at most 1,000 are read"):
        load_waivers(_waivers(1_001), "w")
    with pytest.raises(WaiverError) as caught:
        load_waivers(_waivers(1_000, "same"), "w")
    assert len(str(caught.value).splitlines()) == 21
    assert str(caught.value).endswith("and 979 more")


@pytest.mark.parametrize(
    ("pattern", "text", "covered"),
    [
        ("*", "", True),
        ("output.*", "output.", True),
        ("output.*x", "output.x", True),
        ("output.x*x", "output.x", False),
        ("a*b*c", "a--b--c", True),
        ("a*b*c", "a--c--b", False),
        ("*b*b*", "abab", True),
        ("*b*b*", "ab", False),
        ("a**c", "ac", True),
        ("a.c", "abc", False),
        ("*a" * 40 + "*b", "a" * 5_000, False),
    ],
)
def test_stars_stand_for_any_text_in_a_time_that_does_not_explode(pattern: str, text: str, covered: object) -> None:
    waiver = Waiver.__new__(Waiver)
    for name, value in {"path": pattern, "scenario": "*", "kind": None, "klass": None}.items():
        object.__setattr__(waiver, name, value)
    assert waiver.covers(text, "value", "REGRESSION", "s") is covered
