"""The router's formula: known vectors worked out apart, and the laws of a rollout."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.engines.flags import Flag
from cutover.engines.router import BUCKETS, EmptyId, assign, bucket_of

IDS = st.uuids()
PERCENTS = st.decimals(min_value=0, max_value=100, places=2)


def on(percent: Decimal | int | str) -> Flag:
    return Flag(enabled=True, percent=Decimal(percent))


# `printf 'SALT:ID' | sha256sum`, its first 8 hex digits as a number, times 10000, divided by 2 ** 32, rounded down.
@pytest.mark.parametrize(
    ("salt", "execution_id", "first_digits", "bucket"),
    [
        ("orchestrator-v2", "00000000-0000-0000-0000-000000000000", "d1d70448", 8196),
        ("orchestrator-v2", "00000000-0000-0000-0000-000000000001", "24f03f57", 1442),
        ("orchestrator-v2", "12345678-1234-5678-1234-567812345678", "cc7abd36", 7987),
        ("canary", "12345678-1234-5678-1234-567812345678", "e1f991ad", 8827),
    ],
)
def test_known_vectors(salt: str, execution_id: str, first_digits: str, bucket: int) -> None:
    assert int(first_digits, 16) * 10_000 // 2**32 == bucket
    assert bucket_of(UUID(execution_id), salt=salt) == bucket
    assert bucket_of(execution_id, salt=salt) == bucket


@given(IDS)
def test_a_uuid_is_in_one_bucket_however_it_is_written(execution_id: UUID) -> None:
    """Postgres takes all of these for one value, so they are one execution."""
    bucket = bucket_of(execution_id)
    written = str(execution_id)
    others = (written.upper(), execution_id.hex, execution_id.hex.upper(), f"{{{written}}}", execution_id.urn)
    assert {bucket_of(each) for each in others} == {bucket}


def test_an_id_that_is_no_uuid_is_taken_to_the_letter() -> None:
    """`printf 'orchestrator-v2:Order-7' | sha256sum` begins with d3e01221, that of `...:order-7` with 3420bab2."""
    assert [bucket_of("Order-7"), bucket_of("order-7")] == [8276, 2036]


@given(IDS, st.text(max_size=20))
def test_a_bucket_is_in_range_and_sticky(execution_id: UUID, salt: str) -> None:
    bucket = bucket_of(execution_id, salt=salt)
    assert 0 <= bucket < BUCKETS
    assert bucket_of(execution_id, salt=salt) == bucket


@given(IDS, PERCENTS, PERCENTS)
def test_on_the_way_up_nobody_moves_back(execution_id: UUID, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    if assign(execution_id, on(low)).role == "candidate":
        assert assign(execution_id, on(high)).role == "candidate"


@given(IDS)
def test_nobody_at_0_everybody_at_100_and_nobody_with_the_switch_off(execution_id: UUID) -> None:
    assert assign(execution_id, on(0)).role == "control"
    assert assign(execution_id, on(100)).role == "candidate"
    assert assign(execution_id, Flag(enabled=False, percent=Decimal(100))).role == "control"


@given(IDS)
def test_the_bucket_itself_is_the_border(execution_id: UUID) -> None:
    bucket = bucket_of(execution_id)
    assert assign(execution_id, on(Decimal(bucket) / 100)).role == "control"
    assert assign(execution_id, on(Decimal(bucket + 1) / 100)).role == "candidate"


@pytest.mark.parametrize(
    ("percent", "served"), [("1.1", 110), ("0.29", 29), ("10", 1_000), ("50", 5_000), ("99.99", 9_999)]
)
def test_a_percentage_serves_exactly_its_buckets(percent: str, served: int) -> None:
    assert sum(bucket < on(percent).share * 100 for bucket in range(BUCKETS)) == served


def test_the_split_is_even_over_numbered_ids() -> None:
    found = [assign(UUID(int=number), on(10)).role for number in range(20_000)]
    assert 1_850 < found.count("candidate") < 2_150  # 2,000 and 3.5 standard deviations


def test_another_salt_deals_anew() -> None:
    ids = [UUID(int=number) for number in range(200)]
    assert [bucket_of(i, salt="a") for i in ids] != [bucket_of(i, salt="b") for i in ids]


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_id_is_an_error(empty: str) -> None:
    with pytest.raises(EmptyId, match="empty id"):
        assign(empty, on(50))
