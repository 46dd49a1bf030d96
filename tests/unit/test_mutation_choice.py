"""Which mutants are played after a change, by which tests, and on which scenarios first."""

from __future__ import annotations

from mutation.material import features, gathered, most_telling_first
from mutation.sites import sites
from mutation.suites import distances, imports
from mutation.targets import TARGETS, changed_lines, touched

from cutover.scenarios.catalog import load_catalog

DIFF = """diff --git a/p/a.py b/p/a.py
--- a/p/a.py
+++ b/p/a.py
@@ -4 +4,2 @@ def f():
-    x = 1
+    x = 2
+    y = 3
@@ -9,3 +10,0 @@ def g():
-    gone
diff --git a/p/b.py b/p/b.py
--- /dev/null
+++ b/p/b.py
@@ -0,0 +1 @@
+z = 1
"""


def test_changed_lines_are_those_after_the_change() -> None:
    assert changed_lines(DIFF) == {"p/a.py": [range(4, 6), range(10, 12)], "p/b.py": [range(1, 2)]}


def test_a_statement_is_touched_by_any_of_its_lines_and_a_compound_one_by_the_node_s_own() -> None:
    found = sites("p/a.py", "x = [\n    1,\n    a,\n]\nif b < 2:\n    y = 3\n")

    def lines(*changed: range) -> set[int]:
        return {site.mutant.line for site in touched(found, {"p/a.py": list(changed)})}

    assert lines(range(3, 4)) == {2}
    assert lines(range(6, 7)) == {6}
    assert lines(range(5, 6)) == {5}
    assert lines(range(7, 9)) == set()
    assert touched(found, {"p/b.py": [range(1, 9)]}) == []


def test_a_file_is_a_module_of_its_package() -> None:
    judge = TARGETS["judge"]
    assert judge.module("harness/judge/checks/dup.py") == "cutover.harness.judge.checks.dup"
    assert judge.module("harness/judge/checks/__init__.py") == "cutover.harness.judge.checks"
    assert "harness/judge/checks/dup.py" in judge.files()


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b\nfrom a import c, x\ndef f():\n    from a.d import y\n"
    assert imports(source, ["a", "a.b", "a.c", "a.d", "a.e"]) == {"a", "a.b", "a.c", "a.d"}


def test_a_module_is_as_far_as_the_shortest_way_to_it() -> None:
    graph = {"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": ["a"], "e": ["d"]}
    assert distances(["a"], graph) == {"a": 0, "b": 1, "c": 1, "d": 2}
    assert distances(["b", "d"], graph) == {"b": 0, "d": 0, "c": 1, "a": 1}


def test_the_first_scenarios_show_every_feature_and_none_is_lost() -> None:
    catalog = load_catalog()
    ordered = most_telling_first(catalog)
    assert sorted(each.id for each in ordered) == sorted(each.id for each in catalog)
    every = set().union(*(features(each) for each in catalog))
    assert set().union(*(features(each) for each in ordered[: len(ordered) // 2])) == every
    assert features(ordered[0]) - features(ordered[1])


def test_the_same_seed_gathers_the_same_material() -> None:
    catalog = load_catalog()[:3]
    one, same, other = (
        gathered(catalog, lambda drawn: tuple(drawn[:1]), generated=4, cases=5, restarts=6, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert [each.origin for each in one.trials[3:]] == ["generated"] * 4
    assert one.crashed[0] in one.trials[3:]
    assert (len(one.trials), one.cases, one.restarts) == (7, 5, 6)
