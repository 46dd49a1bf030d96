"""The pytest plugin: its options, its marker, its fixtures, and that a wrong engine fails by name."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from cutover.scenarios.files import load

_WRONG = '''
"""V2 without idempotency keys: each delivery applies its effect."""
from dataclasses import replace

from cutover.engines.registry import resolve


class Keyless:
    def __init__(self, activities):
        self._activities = activities

    def call(self, call):
        return self._activities.call(replace(call, idempotency_key=None))


def create(context):
    return resolve("v2")(replace(context, activities=Keyless(context.activities)))
'''


def _outcomes(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--cutover-postgres", "embedded", *arguments, timeout=900
    )


def test_help_names_the_options(pytester: pytest.Pytester) -> None:
    result = _outcomes(pytester, "--help")
    result.stdout.fnmatch_lines(["*--cutover-engine=SPEC*", "*--cutover-keep=DIR*"])


def test_marker_is_registered(pytester: pytest.Pytester) -> None:
    _outcomes(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.cutover: *"])


def test_an_ordinary_session_imports_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            parts = ("harness.run", "harness.judge", "harness.conformance", "engines.api", "scenarios.model")
            assert not {"psycopg", *(f"cutover.{part}" for part in parts)} & set(sys.modules)
        """
    )
    _outcomes(pytester, "--strict-markers", "-W", "error").assert_outcomes(passed=1)


def test_fixtures_play_a_scenario_on_each_engine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from cutover.harness.record.cases import KillPoint
        from cutover.scenarios.catalog import load_catalog

        @pytest.mark.cutover
        def test_killed(cutover_stage, cutover_engine, cutover_spec):
            cutover_stage.open(load_catalog()[0])
            assert cutover_stage.go({"op": "resume"}, kill=KillPoint("reply", 1)).ended == "killed"
            assert cutover_stage.go({"op": "resume"}).state == "completed"
            calls = cutover_stage.finish().arm.ledger
            applied = [entry for entry in calls if entry.effect == "applied"]
            assert len(applied) == {"v1": 2, "v2": 1}[cutover_spec]
        """
    )
    result = _outcomes(pytester, "-v", "--cutover-engine", "v1", "--cutover-engine", "v2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_killed*v1*PASSED*", "*test_killed*v2*PASSED*"])


def test_the_page_shows_a_test_that_passes(pytester: pytest.Pytester) -> None:
    page = Path(__file__).parents[2] / "docs" / "test-your-engine.md"
    _, example = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    pytester.makepyfile(example)
    _outcomes(pytester, "--strict-markers").assert_outcomes(passed=1)


def test_an_engine_that_cannot_be_loaded_is_refused_at_once(pytester: pytest.Pytester) -> None:
    result = _outcomes(pytester, "--cutover-engine", "no_such_module:create")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cutover-engine: *no_such_module*"])


@pytest.mark.nightly
def test_a_wrong_engine_fails_by_name_and_its_scenario_is_kept(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(wrong=dedent(_WRONG))
    result = _outcomes(
        pytester,
        "--pyargs",
        "cutover.harness.conformance",
        "-k",
        "test_resume or (test_every_kill_point and one-activity) or (test_outcome and one-activity)",
        "--cutover-engine",
        "wrong:create",
        "--cutover-profile",
        "quick",
        "--cutover-keep",
        str(tmp_path),
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*DUP: step *its effect was applied 2 times*", "*the scenario is kept in *"])
    [kept] = tmp_path.iterdir()
    assert load(kept).id == kept.stem


def test_what_is_no_engine_is_refused_before_anything_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(idle="class Idle:\n    def __init__(self, context): pass\n")
    result = _outcomes(pytester, "--cutover-engine", "idle:Idle")
    result.stderr.fnmatch_lines(["ERROR: --cutover-engine: engine 'idle:Idle': Idle has no method install, *"])
