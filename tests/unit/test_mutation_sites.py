"""By what a mutant is known, how a sample is drawn, and that its module runs as the mutant says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mutation.hook import TooLate, import_mutated, refuse_imported
from mutation.sites import drawn, sites

SOURCE = """
class A:
    def f(self, a):
        return a + 1

    def g(self, a):
        if a:
            return a + 1
        return a + 1
"""


def test_a_mutant_says_where_it_is() -> None:
    site = next(each for each in sites("a.py", SOURCE) if each.mutant.operator == "arithmetic")
    mutant = site.mutant
    assert mutant.key == ("a.py", "A.f", "arithmetic", "return a + 1", "return a - 1", 1)
    assert str(mutant) == "a.py:4 A.f: arithmetic"
    assert site.lines == (4, 4)


def test_equal_changes_in_one_function_are_counted() -> None:
    found = [each.mutant for each in sites("a.py", SOURCE) if each.mutant.operator == "arithmetic"]
    assert [(each.function, each.line, each.nth) for each in found] == [("A.f", 4, 1), ("A.g", 8, 1), ("A.g", 9, 2)]


def test_a_key_stays_when_lines_move() -> None:
    moved = "import b\n\n\n" + SOURCE.replace("        if a:", "        # why\n\n        if a:")
    assert [each.mutant.key for each in sites("a.py", moved)] == [each.mutant.key for each in sites("a.py", SOURCE)]


def test_a_sample_is_the_same_for_the_same_seed_and_all_without_a_size() -> None:
    found = sites("a.py", SOURCE)
    assert drawn(found, 1, 5) == drawn(found, 1, 5) != drawn(found, 2, 5)
    assert len(drawn(found, 1, 5)) == 5
    assert {each.mutant.key for each in drawn(found, 1, None)} == {each.mutant.key for each in found}
    assert len(drawn(found, 1, 10_000)) == len(found)


def test_the_module_that_is_imported_is_the_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a_mutated_package"
    package.mkdir()
    (package / "__init__.py").write_text("from a_mutated_package.inner import f\n", encoding="utf-8")
    inner = package / "inner.py"
    inner.write_text("def f(a):\n    return a + 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    site = next(each for each in sites("inner.py", inner.read_text()) if each.mutant.operator == "arithmetic")
    refuse_imported("a_mutated_package")
    import_mutated("a_mutated_package.inner", inner, site.code(str(inner)))
    try:
        assert sys.modules["a_mutated_package"].f(5) == 4
        with pytest.raises(TooLate, match="a_mutated_package has been imported"):
            refuse_imported("a_mutated_package")
    finally:
        for name in ("a_mutated_package", "a_mutated_package.inner"):
            sys.modules.pop(name, None)
