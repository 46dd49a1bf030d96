"""A file that is written once is there whole, or as it was."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.store.atomic import write_whole

RUN = Path(__file__).parents[1] / "data" / "run-schema-1"


@contextmanager
def no_room() -> Iterator[None]:
    """A file that grows beyond 2 KB is refused in the middle, as by a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
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
def test_a_report_that_does_not_fit_is_not_there_at_all(tmp_path: Path, form: str) -> None:
    with no_room():
        assert _outcome(["report", str(RUN), "--format", form, "--out", str(tmp_path / "out")]) != 0
    assert list(tmp_path.iterdir()) == []


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
