"""Temporary folders: where sockets can be, and whose of them is known by its name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from cutover.harness.run.process.lifetime import folders_left_behind, marked_folder, socket_root
from cutover.harness.run.process.mark import mark, state_of

SHARED = "/tmp"  # noqa: S108 - what there is where nothing else will do


@pytest.mark.parametrize(
    ("named", "root"),
    [
        ("/var/usual", "/var/usual"),
        ("/var/a b", "/var/a b"),
        ("/var/50%20 é", "/var/50%20 é"),
        ('/var/it\'s "so"', '/var/it\'s "so"'),
        ("/var/a,b", SHARED),
        ("/var/line\nbreak", SHARED),
        ("/var/\x1b[0m", SHARED),
        (f"/{'x' * 44}", f"/{'x' * 44}"),
        (f"/{'x' * 45}", SHARED),
        (f"/{'é' * 23}", SHARED),
    ],
)
def test_sockets_are_where_their_paths_can_be_written(named: str, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", named)
    assert socket_root() == Path(root)


def test_a_relative_folder_for_temporary_files_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", ".")
    monkeypatch.chdir("/var")
    assert socket_root() == Path("/var")


def test_the_longest_path_of_a_socket_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir=SHARED) as folder:
        root = Path(folder) / ("x" * (44 - len(folder)))
        root.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(root))
        made = marked_folder()
        assert made.parent == root
        assert state_of(made.name) == "alive"
        assert len(os.fsencode(made / ".s.PGSQL.65535")) <= 107


def test_only_folders_of_ended_processes_of_these_users_are_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = os.fork()
    if not ended:
        os.mkdir(tmp_path / f"cutover-{mark()}-ended")  # noqa: PTH102 - a fork does as little as it can
        os.mkdir(tmp_path / f"other-{mark()}-ended")  # noqa: PTH102
        (tmp_path / f"cutover-{mark()}-link").symlink_to("/var")
        os._exit(0)
    os.waitpid(ended, 0)
    (tmp_path / f"cutover-{mark()}-alive").mkdir()
    (tmp_path / "cutover-chosen").mkdir()
    (tmp_path / "cutover-runs").mkdir()
    found = [path for path in folders_left_behind({os.geteuid()}) if path.parent == tmp_path]
    assert [path.name.rpartition("-")[2] for path in found] == ["ended"]
    assert [path for path in folders_left_behind({os.geteuid() + 1}) if path.parent == tmp_path] == []
