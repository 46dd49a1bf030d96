"""The module path: what is installed first, the current folder last."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import cutover
from cutover.engines.modulepath import installed_first, looking_here_last, without_current_folder

LIBRARY = sysconfig.get_path("stdlib")
PACKAGES = sysconfig.get_path("purelib")
OURS = str(Path(cutover.__file__).parents[1])


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
    path = installed_first()
    assert [Path(each).resolve() == here for each in path] == [False] * (len(path) - 1) + [True]
    own, others = path[: path.index("/opt/first")], path[path.index("/opt/first") : -1]
    assert own[:2] == [PACKAGES, LIBRARY]
    assert set(own) == {PACKAGES, LIBRARY, OURS}
    assert others == ["/opt/first", "/opt/second"]


def test_the_current_folder_is_not_added_where_it_was_no_entry(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [LIBRARY, PACKAGES, "/opt/first"])
    assert str(here) not in installed_first()


def test_the_folder_of_this_package_is_on_the_path_even_where_it_was_found_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(OURS)
    monkeypatch.setattr(sys, "path", ["", LIBRARY, PACKAGES, "/opt/first"])
    assert installed_first() == [LIBRARY, PACKAGES, OURS, "/opt/first"]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("", ""), (":", ""), (".:./:", ""), ("/a::/b", "/a:/b"), ("src:/b:.", "HERE/src:/b"), ("..", "HERE/..")],
)
def test_a_pythonpath_keeps_what_does_not_mean_the_current_folder(here: Path, variable: str, expected: str) -> None:
    assert without_current_folder(variable) == expected.replace("HERE", str(here))


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
    monkeypatch.setattr(sys, "path", [LIBRARY, PACKAGES])
    assert os.fspath(gone) not in installed_first()
