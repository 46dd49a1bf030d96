"""Which statements are marked and met, and which steps of a course a mutant is played on."""

from __future__ import annotations

import ast

from mutation.covering.course import Course, Step
from mutation.covering.marks import marked, met_with
from mutation.sites import sites

SOURCE = '''"""A module."""
from __future__ import annotations

LIMIT = 3


def f(x):
    """A function."""
    try:
        if x > LIMIT:
            return 1
    except ValueError:
        return 2
    match x:
        case 0:
            return 3
        case _:
            return 4
'''
A, B, C = ("p/a.py", 4), ("p/a.py", 10), ("p/a.py", 11)


def ran(argument: int) -> set[int]:
    """The lines of the statements that a call runs, by the marks."""
    tree = ast.parse(SOURCE)
    found = marked(tree, "p/a.py", 2)
    tree.body = [each for each in tree.body if not (isinstance(each, ast.ImportFrom) and each.module != "__future__")]
    space: dict[str, object] = {"__marks__": bytearray(len(found) + 2)}
    exec(compile(tree, "p/a.py", "exec"), space)  # noqa: S102 - the source above
    marks = space["__marks__"] = bytearray(len(found) + 2)
    space["f"](argument)  # type: ignore[operator]
    assert marks[:2] == b"\0\0"
    return {known.line for known, met in zip(found, marks[2:], strict=True) if met}


def test_what_is_run_is_marked_and_nothing_else() -> None:
    assert ran(9) == {9, 10, 11}
    assert ran(0) == {9, 10, -10, 14, 16}
    assert ran(1) == {9, 10, -10, 14, 18}


def test_a_branch_is_each_way_that_may_be_taken() -> None:
    source = "for x in y:\n    if x:\n        break\nelse:\n    z()\n"
    source += "match y:\n    case 0:\n        a()\nwhile True:\n    b()\n"
    found = marked(ast.parse(source), "p/a.py", 0)
    assert sorted(mark.line for mark in found if mark.branch) == [-6, -2, 2, 3, 5, 8, 10]
    assert sorted(mark.line for mark in found if not mark.branch) == [1, 6, 9]


def test_a_docstring_and_an_import_from_the_future_stay_first() -> None:
    tree = ast.parse(SOURCE)
    marked(tree, "p/a.py", 0)
    assert ast.get_docstring(tree) == "A module."
    assert isinstance(tree.body[1], ast.ImportFrom)
    assert tree.body[1].module == "__future__"


def test_a_clause_is_met_where_its_statement_is() -> None:
    tree = ast.parse(SOURCE)
    met = met_with(tree, "p/a.py")
    function = tree.body[3]
    assert isinstance(function, ast.FunctionDef)
    tried, matched = function.body[1:]
    assert isinstance(tried, ast.Try)
    assert isinstance(matched, ast.Match)
    assert met[id(tried.handlers[0])] == ("p/a.py", 9)
    assert {met[id(case)] for case in matched.cases} == {("p/a.py", 14)}
    assert {site.statement for site in sites("p/a.py", SOURCE) if site.mutant.operator == "exception"} == {
        ("p/a.py", 9)
    }


def test_a_mutant_is_played_on_the_steps_that_run_it() -> None:
    one, two = Step("trials", "a", 1.0, frozenset({B, C})), Step("crashes", "b", 1.0, frozenset({C}))
    blind = Step("costs", "the ladder", 1.0, None)
    course = Course([one, two, blind], frozenset({A}))
    assert course.through(B) == [one, blind]
    assert course.through(C) == [one, two, blind]
    assert course.through(A) == [one, two, blind]
    assert course.through(("p/a.py", 99)) == []
    assert course.ran() == {A, B, C}


def test_what_takes_long_is_played_for_mutants_of_the_lease_alone() -> None:
    lease = ("engines/v2/lease.py", 12)
    usual, slow = Step("trials", "a", 1.0, frozenset({A, lease})), Step("lasting", "long", 36.0, frozenset({A, lease}))
    course = Course([usual, slow], frozenset({B}))
    assert course.through(A) == [usual]
    assert course.through(B) == [usual]
    assert course.through(lease) == [usual, slow]


def test_a_course_reads_as_it_was_written() -> None:
    steps = [Step("trials", "a", 1.5, frozenset({B, C})), Step("costs", "the ladder", 1.0, None)]
    course = Course(steps, frozenset({A}))
    assert Course.read(course.document()) == course
