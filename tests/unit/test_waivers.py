"""Waivers on literal differences: what they cover, what they may never cover, and when they fail themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from cutover.engines.api import StartNode, Workflow
from cutover.harness.judge.differences.waivers import WaiverError, WaiversInUse, load_waivers
from cutover.harness.judge.findings import CheckResult, Difference, DifferenceClass, Finding, Verdict
from cutover.harness.judge.policy.gate import Reason, StageVerdict
from cutover.harness.judge.summaries.headline import JudgedCounts, headline
from cutover.harness.record.trials import Trial
from cutover.scenarios.model import Scenario

FILE = """\
schema_version = 1

[[waiver]]
id = "cents"
owner = "payments"
reason = "V2 rounds totals to cents; agreed with finance"
expires = 2025-03-01
most_hits = 2
path = "steps/*/output.total"
kind = "value"
scenario = "order-*"
"""
TRIAL = Trial(
    number=1, scenario=Scenario(id="order-7", workflow=Workflow(id="w", nodes=(StartNode(id="start"),))), arms={}
)


def difference(path: str = "steps/ship/output.total", kind: str = "value") -> Difference:
    return Difference(path=path, kind=kind, left="1", right="2", klass=DifferenceClass.REGRESSION)  # type: ignore[arg-type]


def in_use(text: str = FILE, today: date = date(2025, 1, 8)) -> WaiversInUse:
    return WaiversInUse(load_waivers(text, "waivers.toml").waivers, today)


def use(waivers: WaiversInUse) -> tuple[Verdict, str]:
    (found,) = waivers.uses()
    return found.verdict, found.text


def test_it_covers_what_it_names_and_counts() -> None:
    waivers = in_use()
    assert waivers(difference(), TRIAL)
    assert waivers(difference("steps/each[2]/ship/output.total"), TRIAL)
    assert use(waivers) == (
        Verdict.PASS,
        "2 paths of at most 2, until 2025-03-01: V2 rounds totals to cents; agreed with finance",
    )


@pytest.mark.parametrize(
    "other",
    [
        difference("steps/ship/output.totals"),
        difference("steps/ship/output"),
        difference("output.total"),
        difference(kind="missing"),
    ],
)
def test_it_covers_nothing_else(other: Difference) -> None:
    waivers = in_use()
    assert not waivers(other, TRIAL)
    assert use(waivers) == (Verdict.FAIL, "it covers nothing any more; remove it (payments)")


def test_it_covers_no_other_scenario() -> None:
    other = Trial(number=2, scenario=Scenario(id="refund-1", workflow=TRIAL.scenario.workflow), arms={})
    assert not in_use()(difference(), other)


def test_it_holds_on_its_last_day_and_not_after() -> None:
    assert in_use(today=date(2025, 3, 1))(difference(), TRIAL)
    late = in_use(today=date(2025, 3, 2))
    assert not late(difference(), TRIAL)
    verdict, text = use(late)
    assert verdict is Verdict.FAIL
    assert "ended on 2025-03-01" in text


def test_more_hits_than_were_answered_for_fail() -> None:
    waivers = in_use()
    for number in range(3):
        waivers(difference(), Trial(number=number, scenario=TRIAL.scenario, arms={}))
    assert use(waivers) == (Verdict.FAIL, "it covers 3 paths, and at most 2 were answered for")


def test_one_path_of_one_trial_is_one_hit() -> None:
    waivers = in_use()
    waivers(difference(), TRIAL)
    waivers(difference(), TRIAL)
    waivers.without_waived([out("steps/ship/output.total")], TRIAL)
    assert [found.hits for found in waivers.uses()] == [1]


def out(*paths: str) -> CheckResult:
    findings = tuple(
        Finding(
            check="OUT",
            verdict=Verdict.FAIL,
            trial=1,
            scenario="order-7",
            arm="candidate_again",
            message="differs",
            witness={"path": path, "kind": "value"},
        )
        for path in paths
    )
    return CheckResult(check="OUT", arm="candidate_again", examined=4, findings=findings)


def test_what_out_holds_against_the_candidate_is_waived_too() -> None:
    (result,) = in_use().without_waived([out("steps/ship/output.total", "steps/ship/output.other")], TRIAL)
    assert [finding.witness["path"] for finding in result.findings] == ["steps/ship/output.other"]
    assert (result.examined, result.counts) == (4, {"waived": 1})


@pytest.mark.parametrize("path", ["status", "steps/ship", "steps/ship/status", "effects/ship/post/input.total", "*"])
def test_status_effects_and_step_counts_cannot_be_waived(path: str) -> None:
    with pytest.raises(WaiverError, match=r"waivers\.toml, line 9: waiver cents: .* cannot be waived"):
        load_waivers(FILE.replace("steps/*/output.total", path), "waivers.toml")


@pytest.mark.parametrize(
    "path",
    [
        *("output", "output.*", "output[*]", "steps/*/output", "steps/*/output*", "output*"),
        *("output.*a*", "steps/*/output.*e*", "output.t*", "output*[0]*", "steps/*/output*.*_*"),
    ],
)
def test_a_waiver_may_not_ignore_everything(path: str) -> None:
    text = FILE.replace("steps/*/output.total", path)
    with pytest.raises(WaiverError, match=r"waivers\.toml, line 9: waiver cents: .*(ignore everything|be waived)"):
        load_waivers(text, "waivers.toml")


@pytest.mark.parametrize(
    "path",
    [
        *("steps/ship/output", "steps/*/output.total", "output.items[*].price", "output[0].a", "output[0]"),
        *("output.*.total", "steps/*/output.lines[*].price.*"),
    ],
)
def test_a_waiver_may_name_a_step_or_a_member(path: str) -> None:
    assert load_waivers(FILE.replace("steps/*/output.total", path), "w").waivers[0].path == path


def without(key: str) -> str:
    return "".join(line for line in FILE.splitlines(keepends=True) if not line.startswith(key))


BAD: Sequence[tuple[str, str]] = (
    (without("expires"), "waivers.toml, line 3: waiver 1: it has no expires; every waiver ends one day"),
    (without("owner"), "waivers.toml, line 3: waiver 1: it has no owner"),
    (without("most_hits"), "waivers.toml, line 3: waiver 1: it has no most_hits"),
    (FILE.replace("most_hits = 2", "most_hits = 0"), "waivers.toml, line 8: waiver 1: most_hits: "),
    (FILE.replace("2025-03-01", '"soon"'), "waivers.toml, line 7: waiver 1: expires: "),
    (FILE + "forever = true\n", "waivers.toml, line 12: waiver 1: forever: "),
    (FILE + FILE.replace("schema_version = 1\n", ""), "waivers.toml, line 14: waiver cents: its id is used twice"),
    (FILE.replace("schema_version = 1", ""), "waivers.toml: it has no schema_version"),
    ("[[waiver", "waivers.toml: not TOML"),
)


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_file_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(WaiverError) as caught:
        load_waivers(text, "waivers.toml")
    assert str(caught.value).startswith(words), str(caught.value)
    assert caught.value.exit_status == 2


def test_a_go_that_rests_on_waivers_says_so_first() -> None:
    said = headline(StageVerdict.GO, 0, (), (), JudgedCounts(trials=3, failed=0, cases=2, waived=1))
    assert said == (
        "GO for stage 0 %: the candidate passed all of 3 trials, 2 crash cases and 0 criteria; "
        "waivers answer for 1 path; this speaks of the workflows that it was given, not of production's."
    )


def test_a_waiver_that_fails_is_named_in_the_first_sentence() -> None:
    ended = Reason(part="run", id="waiver cents", verdict=Verdict.FAIL, text="it ended on 2025-03-01; mend it")
    said = headline(StageVerdict.NO_GO, 0, (ended,), (), JudgedCounts(trials=3, failed=0))
    assert said.startswith("NO-GO for stage 0 %: broken: waiver cents; ")
