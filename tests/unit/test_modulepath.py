"""The module path: the order of this process, the current folder last."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutover.engines.modulepath import current_folder_last, looking_here_last, without_current_folder

LIBRARY = sysconfig.get_path("stdlib")
PACKAGES = sysconfig.get_path("purelib")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder; what is imported from there is forgotten afterwards."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("spelling", ["", ".", "absolute", "link"])
def test_the_current_folder_comes_last_however_it_is_spelt(
    here: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    link = here.parent / "link"
    link.symlink_to(here)
    entry = {"absolute": str(here), "link": str(link)}.get(spelling, spelling)
    monkeypatch.setattr(sys, "path", [entry, "/opt/first", PACKAGES, LIBRARY, "/opt/second"])
    *others, last = current_folder_last()
    assert others == ["/opt/first", PACKAGES, LIBRARY, "/opt/second"]
    assert Path(last).resolve() == here


@pytest.mark.usefixtures("here")
def test_the_current_folder_is_not_added_where_it_was_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [LIBRARY, PACKAGES, "/opt/first"])
    assert current_folder_last() == [LIBRARY, PACKAGES, "/opt/first"]


def test_the_order_stays_and_entries_are_absolute_and_there_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["src", "/opt/first", LIBRARY, str(here / "src"), PACKAGES, LIBRARY])
    assert current_folder_last() == [str(here / "src"), "/opt/first", LIBRARY, PACKAGES]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("", ""),
        (":", ""),
        (".:./:", ""),
        ("HERE:/a:src/..", "/a"),
        ("/a::/b", "/a:/b"),
        ("src:/b:.", "HERE/src:/b"),
        ("..", "HERE/.."),
    ],
)
def test_a_pythonpath_keeps_what_does_not_mean_the_current_folder(here: Path, variable: str, expected: str) -> None:
    (here / "src").mkdir()
    asked = variable.replace("HERE", str(here))
    assert without_current_folder(asked) == expected.replace("HERE", str(here))


def test_a_module_that_is_found_elsewhere_adds_no_entry(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "json.py").write_text("raise AssertionError")
    path = [entry for entry in sys.path if entry]
    monkeypatch.setattr(sys, "path", path[:])
    with looking_here_last("json.decoder"):
        assert sys.path == path
    with looking_here_last("found_nowhere"):
        pass
    assert sys.path == [*path, str(here)]


def test_in_front_it_is_last_inside_the_block_and_what_a_module_adds_stays(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ["", *(entry for entry in sys.path if entry)]
    monkeypatch.setattr(sys, "path", path[:])
    with looking_here_last("json"):
        assert sys.path == [*path[1:], str(here)]
        sys.path.insert(0, "/opt/added")
    assert sys.path == ["/opt/added", *path]


def test_a_folder_that_is_gone_is_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", "src", LIBRARY, PACKAGES])
    assert current_folder_last() == [LIBRARY, PACKAGES]
