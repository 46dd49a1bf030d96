"""Connection URLs: odd passwords are read, and never shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.dsn import parse_dsn, redact, scrub, to_url


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:p%40ss@h:5432/d", "p@ss"),
        ("postgresql://u:p@ss/w#rd?x@h:5432/d", "p@ss/w#rd?x"),
        ("postgres://u:100%@h/d?sslmode=disable", "100%"),
        ("postgresql+psycopg://u:a:b@h/d", "a:b"),
        ("postgresql://u:p@s?s@h/d?sslmode=disable&application_name=a@b", "p@s?s"),
        ("host=h dbname=d user=u password='a b@'", "a b@"),
    ],
)
def test_a_password_may_hold_odd_characters(url: str, password: str) -> None:
    parts = parse_dsn(url)
    assert (parts["user"], parts["password"], parts["host"], parts["dbname"]) == ("u", password, "h", "d")
    assert parse_dsn(to_url(parts)) == parts


@pytest.mark.parametrize("url", ["postgresql://u:secret@h/d%zz", "nonsense", "postgresql://u:secret@h/d?bogus=1"])
def test_what_cannot_be_read_is_not_echoed(url: str) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        parse_dsn(url)
    assert url not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert redact(url) == "(unreadable URL)"


def test_redacting_keeps_the_rest() -> None:
    assert redact("postgresql://u:s3cret@h:5433/d?sslmode=require") == "postgresql://u:***@h:5433/d?sslmode=require"
    assert redact("postgresql://u@/d?host=/var/run") == "postgresql://u@/d?host=/var/run"


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:s3cret1@h/d?sslpassword=s3cret2&sslmode=prefer&options=-c%20my.key%3Ds3cret3",
        "postgresql://u@h/d?password=s3cret1&sslpassword=s3cr@s3cret2",
        "postgresql://u:s3cret1@h/d?sslpassword=a@s3cret2",
        "host=h dbname=d user=u password=s3cret1 sslpassword='s3cret2 s3cret3'",
    ],
)
def test_no_secret_of_a_url_is_shown_whichever_form_it_has(given: str) -> None:
    shown = redact(given)
    assert "s3cret" not in shown
    assert "u" in shown
    assert "@h/d" in shown
    told = scrub(f"refused {given}: {' '.join(parse_dsn(given).values())}", parse_dsn(given))
    assert "s3cret" not in told


def test_a_secret_that_begins_another_does_not_save_its_end() -> None:
    assert scrub("abcdef abc", {"password": "abc", "sslpassword": "abcdef"}) == "*** ***"


def test_a_librarys_message_loses_the_password() -> None:
    parts = parse_dsn("postgresql://u:p%40ss%2Fword@h/d")
    assert scrub("bad p@ss/word,\n p%40ss%2Fword", parts) == "bad ***, ***"


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_any_password_survives_the_way_to_a_url_and_back(password: str) -> None:
    parts = {"user": "u", "password": password, "host": "h", "port": "1", "dbname": "d"}
    assert parse_dsn(to_url(parts)) == parts


def test_another_database_keeps_the_rest() -> None:
    parts = parse_dsn("postgresql://u:p@h:5433/d?connect_timeout=3")
    assert to_url(parts, dbname="e") == "postgresql://u:p@h:5433/e?connect_timeout=3"
