"""The flag's value from the environment and from OpenFeature: what turns it on, and what never does."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature import api
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from cutover.engines.flags import OFF, PERCENT, SWITCH, EnvironmentFlags, Flag, FlagError, OpenFeatureFlags, percent_of


def test_on_is_exactly_true() -> None:
    flags = EnvironmentFlags({SWITCH: "true", PERCENT: "10"})
    assert flags.read() == Flag(enabled=True, percent=Decimal(10))
    assert flags.read().share == 10


@pytest.mark.parametrize("value", ["false", "", "True", "TRUE", "1", "yes", "on", " true", "true\n", '"true"', "ture"])
def test_anything_else_is_off(value: str) -> None:
    assert EnvironmentFlags({SWITCH: value, PERCENT: "100"}).read() == OFF


@given(st.text().filter(lambda text: text != "true"))
def test_no_other_text_turns_it_on(text: str) -> None:
    assert EnvironmentFlags({SWITCH: text, PERCENT: "100"}).read().share == 0


def test_unset_is_off_and_the_switch_alone_moves_nothing() -> None:
    assert EnvironmentFlags({}).read() == OFF
    assert EnvironmentFlags({PERCENT: "100"}).read() == OFF
    assert EnvironmentFlags({SWITCH: "true"}).read() == Flag(enabled=True, percent=Decimal(0))


def test_a_percentage_that_is_none_is_an_error_while_on_and_cannot_block_the_rollback() -> None:
    with pytest.raises(FlagError, match="ORCHESTRATOR_V2_PERCENT is 'ten'; it must be a number from 0 to 100"):
        EnvironmentFlags({SWITCH: "true", PERCENT: "ten"}).read()
    assert EnvironmentFlags({SWITCH: "false", PERCENT: "ten"}).read() == OFF


@pytest.mark.parametrize(
    ("text", "percent"), [("0", "0"), ("100", "100"), ("12.5", "12.5"), ("0.01", "0.01"), ("10.00", "10")]
)
def test_a_percentage_is_a_number_with_at_most_two_decimals(text: str, percent: str) -> None:
    assert percent_of(text) == Decimal(percent)


# What follows `0x10` is a number to int(), float(), Decimal() or Postgres, and `1_0` once read as 10 %.
@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "-0.01", "100.01", "101", "0.001", "10%", "NaN", "sNaN", "Infinity", "1e9", "1,5", "0x10",
        "1_0", "1_0.0", "+10", "-0", " 10", "10 ", "10\n", "\t10", "\u00a010", "1e1", "1E1", "010", "00", ".5", "5.",
        "0b11", "٣", "\uff11\uff10", "१०", "10.000", "1" * 5_000,
    ],
)  # fmt: skip
def test_no_other_percentage_is_taken(text: str) -> None:
    with pytest.raises(FlagError, match="must be a number from 0 to 100 with at most two decimals"):
        percent_of(text)


@given(st.text(alphabet="0123456789.+-_eE \n٣\uff11") | st.text())
def test_whatever_is_read_as_a_percentage_is_written_as_one(text: str) -> None:
    try:
        percent = percent_of(text)
    except FlagError:
        return
    whole, _, decimals = text.partition(".")
    assert set(whole + decimals) <= set("0123456789")
    assert str(int(whole)) == whole
    assert len(decimals) <= 2
    assert 0 <= percent <= 100


def test_a_switch_that_is_no_boolean_moves_nobody() -> None:
    """A source of somebody's own that hands its text on: `false` is true to Python."""
    assert Flag(enabled="false", percent=Decimal(100)).share == 0  # type: ignore[arg-type]


@pytest.fixture
def provider() -> Iterator[Any]:
    def use(**values: Any) -> OpenFeatureFlags:
        flags = {name: InMemoryFlag("only", {"only": value}) for name, value in values.items()}
        setting = getattr(api, "set_provider_and_wait", api.set_provider)  # before 0.10 the one way waited
        setting(InMemoryProvider(flags), domain="cutover")
        return OpenFeatureFlags(api.get_client(domain="cutover"))

    yield use
    api.clear_providers()


@pytest.mark.parametrize(("percent", "share"), [(12.5, "12.5"), (10, "10"), (0.0, "0")])
def test_an_openfeature_provider_serves_both_values(provider: Any, percent: float, share: str) -> None:
    assert provider(**{SWITCH: True, PERCENT: percent}).read() == Flag(enabled=True, percent=Decimal(share))


@pytest.mark.parametrize("value", [False, "false", "true", 1, None])
def test_only_a_boolean_true_of_the_provider_is_on(provider: Any, value: Any) -> None:
    assert provider(**{SWITCH: value, PERCENT: 100.0}).read() == OFF


def test_a_provider_without_the_flags_is_off_and_one_without_a_percentage_moves_nothing(provider: Any) -> None:
    assert provider().read() == OFF
    assert provider(**{SWITCH: True}).read().share == 0


@pytest.mark.parametrize("percent", ["fifty", "1_0", 101.0, True, float("nan"), 1e-05])
def test_a_percentage_of_the_provider_that_is_none_is_an_error(provider: Any, percent: Any) -> None:
    with pytest.raises(FlagError, match=PERCENT):
        provider(**{SWITCH: True, PERCENT: percent}).read()
