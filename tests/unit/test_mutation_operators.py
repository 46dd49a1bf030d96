"""What each mutation operator makes of literal sources, and what it leaves alone."""

from __future__ import annotations

import ast

import pytest
from mutation.sites import OPERATORS, sites

MADE = [
    ("arithmetic", "x = a + b", ["x = a - b"]),
    ("arithmetic", "x = a // b", ["x = a * b"]),
    ("arithmetic", "x += 1", ["x -= 1"]),
    ("arithmetic", "x = -a", ["x = a"]),
    ("comparison", "x = a == b", ["x = a != b"]),
    ("comparison", "x = a < b <= c", ["x = a <= b <= c", "x = a < b < c"]),
    ("comparison", "x = a in b", ["x = a not in b"]),
    ("comparison", "x = a is None", ["x = a is not None"]),
    ("boolean", "x = a and b", ["x = a or b", "x = b", "x = a"]),
    ("boolean", "x = a or b or c", ["x = a and b and c", "x = b or c", "x = a or c", "x = a or b"]),
    ("negation", "if a:\n    f()", ["if not a:"]),
    ("negation", "while not a:\n    f()", ["while a:"]),
    ("negation", "if a < b:\n    f()", ["if not a < b:"]),
    ("negation", "x = a if b else c", ["x = a if not b else c"]),
    ("negation", "x = [a for a in b if c]", ["x = [a for a in b if not c]"]),
    ("number", "x = 3", ["x = 4", "x = 2"]),
    ("number", "x = 1_000", ["x = 2000", "x = 500"]),
    ("number", "x = a[0.5]", ["x = a[1.5]", "x = a[-0.5]"]),
    ("truth", "f(True)", ["f(False)"]),
    ("string", "x = 'a'", ["x = 'ax'"]),
    ("string", "x = f'a{b}'", ["x = f'ax{b}'"]),
    ("string", "fault(f'{a} of {b}', 'no step')", []),
    ("arguments", "f(a, b, c)", ["f(b, a, c)", "f(a, c, b)"]),
    ("arguments", "f(a, b=c)", ["f(a)"]),
    ("function", "x = min(a, b)", ["x = max(a, b)"]),
    ("function", "x = sorted(a, key=b)", ["x = list(a)"]),
    ("removal", "f()", ["pass"]),
    ("removal", "a.b = c", ["pass"]),
    ("removal", "a += 1", ["pass"]),
    ("removal", "raise a", ["pass"]),
    ("result", "def f():\n    return a", ["return None"]),
    ("exception", "raise A(b)", ["raise RuntimeError(b)"]),
    ("exception", "try:\n    f()\nexcept A:\n    g()", ["except ():"]),
    ("exception", "try:\n    f()\nexcept (A, B):\n    g()", ["except (B,):", "except (A,):"]),
    ("exception", "with suppress(A):\n    f()", ["with suppress():"]),
    ("loop", "for a in b:\n    break", ["for a in ():", "continue"]),
    ("loop", "while a:\n    continue", ["break"]),
    ("unguarded", "with a:\n    f()", ["if True:"]),
    ("decorator", "@a\n@b\ndef f():\n    g()", ["@b\ndef f():", "@a\ndef f():"]),
    (
        "case",
        "match a:\n    case 1:\n        f()\n    case _:\n        g()",
        ["match a:\ncase _:", "match a:\ncase 1:"],
    ),
    (
        "case",
        "match a:\n    case 1:\n        f()\n    case _:\n        pass",
        ["match a:\ncase _:"],
    ),
]
"""Operator, a source, and what its statements become."""


def mutants(source: str, operator: str = "") -> list[tuple[str, str]]:
    """The statement before and after each mutation by one operator, or by all."""
    found = [site.mutant for site in sites("a.py", source)]
    return [(each.before, each.after) for each in found if operator in {"", each.operator}]


def after(source: str, operator: str) -> list[str]:
    return [after for _, after in mutants(source, operator)]


@pytest.mark.parametrize(("operator", "source", "expected"), MADE)
def test_an_operator_makes_these_mutants(operator: str, source: str, expected: list[str]) -> None:
    assert after(source, operator) == expected


@pytest.mark.parametrize(
    ("operator", "source"),
    [
        ("arithmetic", "x = a + 'b'"),
        ("arithmetic", "x = f'{a}' + b + c"),
        ("negation", "if a == b:\n    f()"),  # `comparison` has it
        ("number", "x = True"),
        ("arguments", "f(*a, b)"),
        ("arguments", "f(**a)"),
        ("arguments", "f(a, a)"),
        ("removal", "x = f()"),
        ("result", "def f():\n    return None"),
        ("exception", "try:\n    f()\nexcept:\n    g()"),
        ("case", "match a:\n    case _:\n        f()"),
        ("unguarded", "with a as b:\n    f()"),
        ("decorator", "@override\ndef f():\n    g()"),
    ],
)
def test_an_operator_leaves_these_alone(operator: str, source: str) -> None:
    assert after(source, operator) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import a",
        "from a import b",
        "__all__ = ['a', 'b']",
        "assert a == 1",
        "x: TypeAlias = tuple[1, 'a']",
        "if TYPE_CHECKING:\n    x = 1",
        "def f(a: 'b' = c) -> 'd':\n    '''Says.'''",
        "x = cast('A', b)",
    ],
)
def test_what_is_not_for_the_interpreter_is_left_alone(source: str) -> None:
    assert mutants(source) == []


def test_the_wording_of_an_error_is_left_alone_and_the_rest_of_it_is_not() -> None:
    source = "raise A(f'it is {b + 1}', 'so', c + 1)"
    assert after(source, "string") == []
    assert after(source, "number") == [
        "raise A(f'it is {b + 1}', 'so', c + 2)",
        "raise A(f'it is {b + 1}', 'so', c + 0)",
    ]


def test_a_default_argument_has_an_operator_of_its_own() -> None:
    assert after("def f(a=True, *, b=1):\n    g()", "default") == [
        "def f(a=True, *, b=2):",
        "def f(a=True, *, b=0):",
        "def f(a=False, *, b=1):",
    ]


def test_every_operator_is_shown_here() -> None:
    assert {operator for operator, _, _ in MADE} == set(OPERATORS)


@pytest.mark.parametrize("name", ["engines/v2/store.py", "tests/mutation/operators/walk.py"])
def test_every_mutant_of_a_real_module_is_python(name: str, pytestconfig: pytest.Config) -> None:
    source = (pytestconfig.rootpath / name).read_text(encoding="utf-8")
    original = ast.dump(ast.parse(source))
    found = sites(name, source)
    assert len({site.mutant.key for site in found}) == len(found) > 50
    for site in found:
        site.code(name)
    assert ast.dump(found[-1].tree) == original  # whoever makes a mutant leaves the tree as it was
