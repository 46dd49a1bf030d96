"""Connection URLs: reading what a user gives, rewriting, and hiding the password. Pure but for libpq's parser."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cutover.harness.errors import EnvironmentProblem

__all__ = ["parse_dsn", "redact", "scrub", "to_url"]

_AUTHORITY = re.compile(
    r"^(?P<scheme>postgres(?:ql)?://)(?P<user>[^:/@?]*):(?P<password>.*)@(?P<rest>[^@]*)$", re.DOTALL
)
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


def parse_dsn(text: str) -> dict[str, str]:
    """The parts of a URL or of libpq's `key=value` form; raises EnvironmentProblem without ever echoing the text.

    A password may hold `@`, `/`, `#`, `?` and `%` as they are, or percent-encoded.
    """
    url = _DRIVER.sub(r"\1://", text.strip())
    if match := _AUTHORITY.match(url):
        password = quote(unquote(match["password"]), safe="")
        url = f"{match['scheme']}{match['user']}:{password}@{match['rest']}"
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        raise EnvironmentProblem(
            "the Postgres URL cannot be read; write postgresql://user:password@host:5432/database "
            "and percent-encode odd characters in its parts"
        ) from None
    return {name: str(value) for name, value in parts.items() if value is not None}


def to_url(parts: dict[str, str], *, dbname: str | None = None) -> str:
    """The parts as a URL that libpq, psycopg and SQLAlchemy read alike; `dbname` replaces the database."""
    rest = dict(parts)
    user, password, port = rest.pop("user", ""), rest.pop("password", ""), rest.pop("port", "")
    host = rest.get("host", "")
    plain = bool(re.fullmatch(r"[A-Za-z0-9._-]+", host))
    if plain:
        del rest["host"]
    database = dbname or rest.get("dbname", "")
    rest.pop("dbname", None)
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    place = host if plain else ""
    if plain and port:
        place += f":{port}"
    elif port:
        rest["port"] = port
    query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in sorted(rest.items()))
    return f"postgresql://{login}{'@' if login else ''}{place}/{quote(database, safe='')}{'?' if query else ''}{query}"


def redact(text: str) -> str:
    """The URL for messages: its password replaced; nothing of a text that cannot be parsed."""
    try:
        parts = parse_dsn(text)
    except EnvironmentProblem:
        return "(unreadable URL)"
    if "password" in parts:
        parts["password"] = "***"  # noqa: S105 - what stands for one
    return to_url(parts).replace("%2A%2A%2A", "***")


def scrub(message: str, parts: dict[str, str]) -> str:
    """A library's message on one line, without the password in any spelling."""
    password = parts.get("password", "")
    for spelling in {password, quote(password, safe=""), quote(password)}:
        if len(spelling) > 2:
            message = message.replace(spelling, "***")
    return " ".join(message.split())
