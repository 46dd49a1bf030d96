"""A GO that stands on what nobody could check is not left by 0: whoever can write can say that a run is older."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from small_runs import save

from cutover.harness.cli.main import _outcome
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.gate import Reason, StageVerdict, decide
from cutover.harness.store.signing import SigningKey, make_key
from cutover.reports.document import SCHEMA_VERSION

Told: TypeAlias = dict[str, Any]
LOOSE = """\
schema_version = 1
name = "loose"

[[stage]]
percent = 0
name = "any"
required_checks = ["OUT"]

[[criterion]]
id = "bugs"
words = "none"
section = "none"
metric = "critical_bugs"
unit = "count"
condition = { statistic = "count", operator = "at_most", limit = 0 }
min_n = 1
severity = "gate"
stages = [0]
"""
WAIVERS = """\
schema_version = 1

[[waiver]]
id = "total"
owner = "payments"
reason = "agreed"
expires = 2025-02-01
most_hits = 20
path = "*output.total"
"""
OPEN = "exit status 3 and not 0, since the verdict stands on what was not checked"


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over what three trials without a kill leave undecided, so that they can be GO."""

    def decide_by_what_is_decided(reasons: Iterable[Reason]) -> StageVerdict:
        return decide(reason for reason in reasons if reason.verdict is not Verdict.INCONCLUSIVE)

    monkeypatch.setattr("cutover.harness.judge.analysis.decide", decide_by_what_is_decided)


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def reported(run: Path) -> Path:
    assert _outcome(["report", str(run), "--format", "json", "--out", str(run / "report.json")]) == 0
    return run


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """A run that asked for no policy, and whose policy, digests and report were made anew: GO."""
    run = save(tmp_path / "run", policy=LOOSE)
    told = json.loads((run / "manifest.json").read_text("utf-8"))
    change(run / "manifest.json", built_in=told["built_in"] | {"policy": hashlib.sha256(LOOSE.encode()).hexdigest()})
    return reported(run)


def unlike_ours(run: Path) -> None:
    """The manifest says that the policy was built in there."""


def older(version: int) -> Callable[[Path], None]:
    def change_schema(run: Path) -> None:
        change(run / "manifest.json", schema_version=version)
        reported(run)

    change_schema.__name__ = f"schema_{version}"
    return change_schema


def reported_by_an_older_version(run: Path) -> None:
    change(run / "report.json", schema_version=SCHEMA_VERSION - 1)


TAMPERED = [unlike_ours, older(1), older(2), reported_by_an_older_version]


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: tamper.__name__)
def test_a_loosened_policy_does_not_leave_by_go(
    loose: Path, tamper: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(loose)
    assert _outcome(["verify", str(loose)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("verified: GO")
    assert OPEN in out
    assert "\nnot checked: " in out


def test_what_the_key_has_signed_leaves_by_its_verdict(loose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint = make_key(loose.parent / "run.key")
    change(loose / "manifest.json", signer=fingerprint)
    reported(loose)
    SigningKey.load(loose.parent / "run.key").sign(loose, "r1")
    assert _outcome(["verify", str(loose), "--key", str(loose.parent / "run.key.pub")]) == 0
    assert OPEN not in capsys.readouterr().out


def test_a_policy_that_was_asked_for_is_given_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = reported(save(tmp_path / "run", policy=LOOSE, asked="--policy loose.toml"))
    assert _outcome(["verify", str(run)]) == 3
    out = capsys.readouterr().out
    assert "not checked: whether the policy is fit: the run asked for one that is not built in, loose\n" in out
    assert OPEN in out
    (tmp_path / "loose.toml").write_text(LOOSE, "utf-8")
    assert _outcome(["verify", str(run), "--policy", str(tmp_path / "loose.toml")]) == 0


def test_waivers_that_were_asked_for_are_given_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "--policy loose.toml --waivers mine.toml"
    run = reported(save(tmp_path / "run", policy=LOOSE, last=8, texts={"waivers.toml": WAIVERS}, asked=asked))
    policy, waivers = tmp_path / "loose.toml", tmp_path / "mine.toml"
    policy.write_text(LOOSE, "utf-8")
    waivers.write_text(WAIVERS, "utf-8")
    given = ["verify", str(run), "--policy", str(policy)]
    assert _outcome(given) == 3
    assert "not checked: whether the waivers are fit: the run asked for them\n" in capsys.readouterr().out
    assert _outcome([*given, "--waivers", str(waivers)]) == 0
    waivers.write_text(WAIVERS.replace("agreed", "other"), "utf-8")
    capsys.readouterr()
    assert _outcome([*given, "--waivers", str(waivers)]) == 2
    assert "mine.toml is not what the run" in capsys.readouterr().err


def test_waivers_that_nobody_asked_for_are_refused_also_with_the_policy_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = reported(save(tmp_path / "run", policy=LOOSE, last=8, texts={"waivers.toml": WAIVERS}))
    assert _outcome(["verify", str(run), "--policy", str(run / "policy.toml")]) == 2
    assert "its arguments did not ask for waivers" in capsys.readouterr().err


def test_a_verdict_that_is_not_go_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = save(tmp_path / "run", policy=LOOSE, last=8, asked="--policy loose.toml")
    assert _outcome(["report", str(run), "--format", "json", "--out", str(run / "report.json")]) == 1
    assert _outcome(["verify", str(run)]) == 1
    assert OPEN not in capsys.readouterr().out
