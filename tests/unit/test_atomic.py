"""A file that is written once is there whole, or as it was."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.cli.status import Status, status_of
from cutover.harness.store.atomic import write_whole

RUN = Path(__file__).parents[1] / "data" / "run-schema-1"


@contextmanager
def no_room(most: int = 2048) -> Iterator[None]:
    """A file that grows beyond so many bytes is refused in the middle, as by a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_without_room_the_old_file_stays_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old", "utf-8")
    with pytest.raises(OSError, match="File too large") as caught, no_room():
        write_whole(file, "x" * 4096)
    assert caught.value.filename == str(file)
    assert [(each.name, each.read_text("utf-8")) for each in tmp_path.iterdir()] == [("report.html", "old")]


@pytest.mark.parametrize("form", ["html", "json", "markdown", "junit"])
def test_a_report_that_does_not_fit_is_not_there_at_all(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_room():
        assert _outcome(["report", str(RUN), "--format", form, "--out", str(tmp_path / "out")]) == 4
    assert list(tmp_path.iterdir()) == []
    told = f"cutover: {tmp_path}/out may not grow so large (see `ulimit -f`); choose another.\n"
    assert capsys.readouterr().err == told


WORKFLOW = """{"name": "one", "connections": {}, "nodes":
  [{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "position": [0, 0], "typeVersion": 1}]}"""


@pytest.mark.parametrize("most", [0, 100])
def test_keys_and_scenarios_that_do_not_fit_are_the_machine_s_fault(
    tmp_path: Path, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.json").write_text(WORKFLOW, "utf-8")
    for arguments, file in (
        (["keygen", str(tmp_path / "run.key")], tmp_path / "run.key"),
        (["import", "n8n", str(tmp_path / "one.json"), "--out", str(tmp_path / "out")], tmp_path / "out"),
    ):
        with no_room(most):
            assert _outcome(arguments) == 4
        err = capsys.readouterr().err
        assert (err.count("\n"), err.startswith(f"cutover: {file}"), "may not grow so large" in err) == (1, True, True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.json", "out"]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["\N{ROCKET}" * 63, "x" * 255])
def test_a_name_that_the_file_system_takes_is_taken(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, "x")
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("x" * 300, "has too long a name for its file system; choose another."),
        ("folder", "Is a directory; give another name"),
    ],
)
def test_a_name_that_cannot_be_written_is_told(
    tmp_path: Path, place: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    status = _outcome(["report", str(RUN), "--format", "junit", "--out", str(tmp_path / place)])
    err = capsys.readouterr().err
    assert (status, err.endswith(f"{words}\n"), err.count("\n")) == (2 if place == "folder" else 4, True, 1)


@pytest.mark.parametrize("number", [*errno.errorcode])
def test_whatever_the_system_says_of_a_file_is_not_cutover_s_fault(number: int) -> None:
    status, told = status_of(OSError(number, os.strerror(number), "here"))
    assert status in {Status.USAGE, Status.ENVIRONMENT}
    assert told


def test_it_replaces_what_a_link_points_to_and_keeps_its_rights(tmp_path: Path) -> None:
    place, link = tmp_path / "place", tmp_path / "link"
    place.write_text("a much longer old text", "utf-8")
    place.chmod(0o640)
    link.symlink_to(place)
    write_whole(link, "new \N{ROCKET}")
    assert link.is_symlink()
    assert place.read_text("utf-8") == "new \N{ROCKET}"
    assert place.stat().st_mode & 0o777 == 0o640
    assert {each.name for each in tmp_path.iterdir()} == {"place", "link"}


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"told")
    reader.join()
    assert heard == [b"told"]
    assert pipe.is_fifo()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "absent" / "file", "x")
    assert caught.value.filename == str(tmp_path / "absent" / "file")
