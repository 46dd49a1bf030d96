"""The shipped policy against the rollout plan's words, and every way in which a policy file can be wrong."""

from __future__ import annotations

import re

import pytest

from cutover.engines.errors import CutoverError
from cutover.harness.judge.measures.metrics import METRICS
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.judge.policy.model import Condition, PolicyError

GOOD = """\
schema_version = 1
name = "small"

[[stage]]
percent = 0
name = "inside"
required_checks = ["OUT"]

[[stage]]
percent = 10
name = "canary"
required_checks = ["OUT", "DUP"]

[[criterion]]
id = "success"
words = "99.5% de taxa de sucesso nas execuções"
section = "Critérios de Sucesso Final"
metric = "execution_success"
unit = "share"
condition = { statistic = "share", operator = "at_least", limit = 0.995 }
min_n = 598
severity = "gate"
stages = [0, 10]

[[criterion]]
id = "slow"
words = "Checkpoint lento (P95 > 200ms)"
section = "Critérios de Rollback Automático"
metric = "checkpoint_duration"
unit = "ms"
condition = { statistic = "quantile", operator = "at_most", limit = 200, quantile = 0.95 }
min_n = 59
severity = "rollback"
stages = [10]
"""

PLAN = {
    "Imediato se bugs críticos": ("gate", "at_most", 0, {0}),
    "Métricas V2 ≥ V1": ("gate", "at_most", 0.005, {10, 50, 100}),
    "Taxa de erro > 5%": ("alert", "at_most", 0.05, {10, 50, 100}),
    "Checkpoint > 150ms (média)": ("alert", "at_most", 150, {10, 50, 100}),
    "Workflow travado > 10min": ("alert", "at_most", 0, {10, 50, 100}),
    "Sistema estável por 3 dias": ("gate", "at_least", 3, {50}),
    "0 incidentes críticos por 7 dias": ("gate", "at_least", 7, {100}),
    "Checkpoint lento (P95 > 200ms)": ("rollback", "at_most", 200, {10, 50, 100}),
    "Workflows travados (> 5 execuções paradas > 15min)": ("rollback", "at_most", 5, {10, 50, 100}),
    "99.5% de taxa de sucesso nas execuções": ("gate", "at_least", 0.995, {0, 10, 50, 100}),
    "P95 checkpoint < 100ms": ("gate", "below", 100, {0, 10, 50, 100}),
    "0 workflows travados por > 5 minutos": ("gate", "at_most", 0, {0, 10, 50, 100}),
    "Taxa de retry bem-sucedido > 80%": ("gate", "above", 0.8, {0, 10, 50, 100}),
    "Resume idempotente (0 steps duplicados)": ("gate", "at_most", 0, {0, 10, 50, 100}),
    "Event sourcing completo (100% eventos registrados)": ("gate", "at_least", 1.0, {0, 10, 50, 100}),
    "Logs estruturados em todas operações": ("gate", "at_least", 1.0, {0, 10, 50, 100}),
}
TWO_CRITERIA = {
    "100% dos testes E2E passando",
    "Se métricas degradarem > 20%",
    "Se latência P99 > 2x da baseline",
    "Taxa de erro > 10% (comparado com baseline V1)",
    "Memória alta (> 80% utilização)",
    "Comparar métricas V1 vs V2",
}


def wrong(old: str, new: str, count: int = 1) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, count)


@pytest.mark.parametrize("words", PLAN)
def test_each_threshold_of_the_plan_is_in_the_policy(words: str) -> None:
    (criterion,) = [each for each in default_policy().criteria if each.words == words]
    severity, operator, limit, stages = PLAN[words]
    assert (criterion.severity, criterion.condition.operator, criterion.condition.limit) == (severity, operator, limit)
    assert set(criterion.stages) == stages


def test_the_policy_has_nothing_that_the_plan_has_not() -> None:
    assert {criterion.words for criterion in default_policy().criteria} == PLAN.keys() | TWO_CRITERIA


def test_all_tests_pass_the_drawn_ones_and_the_written_ones() -> None:
    asked = [each for each in default_policy().criteria if each.words == "100% dos testes E2E passando"]
    assert [(each.id, each.metric, each.severity, each.min_n) for each in asked] == [
        ("e2e", "e2e_success", "gate", 598),
        ("catalog", "catalog_success", "gate", 1),
    ]
    assert {(each.condition.operator, each.condition.limit) for each in asked} == {("at_least", 1.0)}


def test_the_tail_is_judged_at_every_stage_whatever_the_candidate_s_speed() -> None:
    by_id = {criterion.id: criterion for criterion in default_policy().criteria}
    for name, limit in (("delayed", 100), ("stalled", 20), ("tail-share", 100)):
        assert by_id[name].severity == "gate"
        assert set(by_id[name].stages) == {0, 10, 50, 100}
        assert by_id[name].condition == Condition(statistic="paired", operator="below", limit=limit, excess=1.0)


def test_thresholds_against_v1() -> None:
    by_id = {criterion.id: criterion for criterion in default_policy().criteria}
    assert by_id["error-rate-v1"].words == "Taxa de erro > 10% (comparado com baseline V1)"
    assert by_id["error-rate-v1"].severity == "rollback"
    assert by_id["error-rate-v1"].condition == Condition(statistic="paired", operator="below", limit=100, excess=0.1)
    assert by_id["error-rate-v1-alert"].severity == "alert"
    assert by_id["error-rate-v1-alert"].condition.limit == 20
    assert by_id["degraded-latency"].condition.limit == 1.2
    assert by_id["degraded-errors"].condition.excess == 0.2
    assert by_id["latency-p99"].condition == Condition(statistic="ratio", operator="at_most", limit=2.0, quantile=0.99)
    assert by_id["latency-p99"].severity == by_id["latency-tail"].severity == "rollback"
    assert by_id["latency-p99"].stages == by_id["latency-tail"].stages == (50, 100)
    assert [by_id[name].condition.minutes for name in ("stuck", "stuck-alert", "stuck-rollback")] == [5, 10, 15]


def test_what_would_be_rolled_back_later_does_not_go_before() -> None:
    """The plan at 0 %: "Comparar métricas V1 vs V2". The limits are those of the weeks that take traffic back."""
    by_id = {criterion.id: criterion for criterion in default_policy().criteria}
    for early, late in (("compare-latency", "degraded-latency"), ("compare-tail", "latency-tail")):
        assert by_id[early].words == "Comparar métricas V1 vs V2"
        assert by_id[early].severity == "gate"
        assert (by_id[early].metric, by_id[early].condition) == (by_id[late].metric, by_id[late].condition)
        assert set(by_id[early].stages) | set(by_id[late].stages) == {0, 10, 50, 100}
        assert not set(by_id[early].stages) & set(by_id[late].stages)


def test_memory_is_asked_of_the_harness_and_of_production() -> None:
    """The plan: "Memória alta (> 80% utilização)" takes traffic back; a harness has none to take back."""
    asked = [each for each in default_policy().criteria if each.words == "Memória alta (> 80% utilização)"]
    assert [(each.id, each.source, each.severity, each.stages) for each in asked] == [
        ("memory", "production", "rollback", (10, 50, 100)),
        ("worker-memory", "harness", "gate", (0, 10, 50, 100)),
    ]
    assert {(each.condition.operator, each.condition.limit) for each in asked} == {("at_most", 0.8)}


def test_the_first_stage_needs_nothing_from_production() -> None:
    policy = default_policy()
    assert [stage.percent for stage in policy.stages] == [0, 10, 50, 100]
    assert all(criterion.source == "harness" for criterion in policy.criteria_of(0))
    for percent in (10, 50, 100):
        assert any(criterion.source == "production" for criterion in policy.criteria_of(percent))


def test_every_ambiguous_comparison_says_how_it_was_decided() -> None:
    for criterion in default_policy().criteria:
        if criterion.condition.statistic not in {"mean", "quantile"}:
            assert criterion.decided or criterion.words.startswith("0 workflows"), criterion.id


def test_every_stage_requires_the_checks_of_the_design() -> None:
    needed = {"OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "LOG", "IDEM", "FLAG", "PERF"}
    assert all(needed <= set(stage.required_checks) for stage in default_policy().stages)


def test_a_small_policy_loads() -> None:
    policy = load_policy(GOOD, "p.toml")
    assert policy.name == "small"
    assert [criterion.id for criterion in policy.criteria_of(0)] == ["success"]
    assert [criterion.id for criterion in policy.criteria_of(10)] == ["success", "slow"]
    assert policy.stage(10).required_checks == ("OUT", "DUP")
    assert policy.digest != load_policy(GOOD + "\n", "p.toml").digest


def test_an_unknown_stage_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match=r"no stage 25 %; its stages are 0, 10"):
        load_policy(GOOD, "p.toml").stage(25)


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        (wrong("schema_version = 1", "schema_version = 2"), 1, "schema_version"),
        (wrong('name = "small"\n', ""), None, "name: Field required"),
        (wrong('name = "small"', 'name = "small"\ncolour = "red"'), 3, "colour: Unexpected"),
        (wrong('"execution_success"', '"luck"'), 18, "unknown metric 'luck'; the metrics are candidate_only_errors"),
        (wrong("min_n = 598", "min_n = 598\nmin_size = 3"), 22, "criterion.0.min_size: Unexpected"),
        (wrong("min_n = 598", 'min_n = "598"'), 21, "valid integer"),
        (wrong("min_n = 598", "min_n = 0"), 21, "greater than or equal to 1"),
        (wrong("min_n = 59\n", "min_n = nan\n"), 32, "min_n"),
        (wrong("stages = [0, 10]", "stages = [0, 10, 25]"), 23, "no stage 25; the stages are 0, 10"),
        (wrong("stages = [0, 10]", "stages = []"), 23, "guards no stage"),
        (wrong("stages = [0, 10]", "stages = [0, 0]"), 23, "a stage twice"),
        (wrong("stages = [0, 10]", "stages = [10]"), 5, "stage 0 %: no criterion guards it"),
        (wrong('id = "slow"', 'id = "success"'), 26, "used twice"),
        (wrong("percent = 10", "percent = 0"), 10, "it is there twice"),
        (wrong("percent = 0", "percent = 20"), 10, "from the smallest share"),
        (wrong('["OUT"]', "[]"), 7, "requires no check"),
        (wrong('["OUT", "DUP"]', '["OUT", "OUT"]'), 12, "requires a check twice"),
        (wrong('unit = "ms"', 'unit = "share"'), 30, "is in ms, not in share"),
        (wrong('unit = "ms"', 'unit = "s"'), 30, "unit"),
        (wrong('severity = "rollback"', 'severity = "fatal"'), 33, "severity"),
        (wrong(", quantile = 0.95", ""), 31, "needs quantile"),
        (wrong("quantile = 0.95", "quantile = 95"), 31, "less than 1"),
        (wrong("limit = 0.995", "limit = 0.995, quantile = 0.5"), 20, "statistic share has no quantile"),
        (wrong("limit = 0.995", "limit = 0.995, excess = 0.5"), 20, "statistic share has no excess"),
        (wrong("limit = 0.995", "limit = 0.995, minutes = 5"), 20, "has no minutes"),
        (wrong("limit = 0.995", "limit = inf"), 20, "finite"),
        (wrong(", limit = 0.995", ""), 20, "condition.limit: Field required"),
        (wrong('"share", operator', '"mean", operator'), 20, "judged by statistic share, not by mean"),
        (wrong("limit = 0.995", "limit = 1.2"), 20, "it cannot pass: no share is at least 1.2"),
        (wrong("limit = 0.995", "limit = 0.0"), 20, "it cannot fail: every share is at least 0"),
        (wrong('"at_most", limit = 200', '"below", limit = 0'), 31, "it cannot pass"),
        (wrong('"execution_success"', '"memory_utilisation"'), 18, 'say source = "production"'),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int | None, rule: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "mine.toml")
    place = f"mine.toml, line {line}: " if line else "mine.toml: "
    messages = [message for message in str(caught.value).splitlines() if rule in message]
    assert messages, str(caught.value)
    assert messages[0].startswith(place), str(caught.value)


def test_a_criterion_without_a_condition_is_refused() -> None:
    text = re.sub(r"condition = .*at_least.*\n", "", GOOD)
    with pytest.raises(PolicyError, match=r"line 14: criterion\.0\.condition: Field required"):
        load_policy(text, "p.toml")


def test_two_criteria_that_no_number_meets_contradict() -> None:
    other = GOOD[GOOD.index("[[criterion]]") : GOOD.index('[[criterion]]\nid = "slow"')]
    other = other.replace('id = "success"', 'id = "failure"').replace('"at_least"', '"at_most"').replace("0.995", "0.5")
    with pytest.raises(PolicyError, match="contradicts criterion success: execution_success cannot be"):
        load_policy(GOOD + "\n" + other, "p.toml")


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match=r"p\.toml: not TOML: .*line 2"):
        load_policy("schema_version = 1\nname = \n", "p.toml")


def test_every_problem_is_told_at_once() -> None:
    text = wrong("min_n = 598", "min_n = 0").replace("min_n = 59\n", "min_n = -1\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "p.toml")
    assert len(str(caught.value).splitlines()) == 2


def test_a_policy_of_nothing_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"line 3: stage: there is none\np\.toml, line 4: criterion: there"):
        load_policy('schema_version = 1\nname = "x"\nstage = []\ncriterion = []\n', "p.toml")


def test_a_policy_error_ends_a_command_with_status_2() -> None:
    assert PolicyError.exit_status == 2
    assert issubclass(PolicyError, CutoverError)


def test_each_metric_is_used_by_the_shipped_policy() -> None:
    assert {criterion.metric for criterion in default_policy().criteria} == METRICS.keys()


def test_as_many_crash_cases_are_asked_for_as_show_the_plan_s_share() -> None:
    assert default_policy().cases_asked(0) == 598  # log(0.05) / log(0.995), the plan's 99.5 %
