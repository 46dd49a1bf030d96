"""Connection URLs: reading, rewriting, and hiding the password. Pure but for libpq's parser."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cutover.harness.errors import EnvironmentProblem

__all__ = ["parse_dsn", "redact", "refuse_encrypted", "scrub", "to_url"]

_AUTHORITY = re.compile(
    r"^(?P<scheme>postgres(?:ql)?://)(?P<user>[^:/@?]*):(?P<password>.*)@(?P<rest>[^@]*)$", re.DOTALL
)
_ENCRYPTED = {
    "sslmode": frozenset({"require", "verify-ca", "verify-full"}),
    "sslnegotiation": frozenset({"direct"}),
    "channel_binding": frozenset({"require"}),
    "gssencmode": frozenset({"require"}),
}
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


def parse_dsn(text: str) -> dict[str, str]:
    """Returns the parts of a URL or of libpq's `key=value` form; raises EnvironmentProblem, which never shows the text.

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
    """Returns the parts as a URL that libpq, psycopg and SQLAlchemy read alike; `dbname` replaces the database."""
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
    """Returns the URL for messages: its password replaced; nothing of a text that cannot be parsed."""
    try:
        parts = parse_dsn(text)
    except EnvironmentProblem:
        return "(unreadable URL)"
    if "password" in parts:
        parts["password"] = "***"  # noqa: S105 - what stands for one
    return to_url(parts).replace("%2A%2A%2A", "***")


def scrub(message: str, parts: dict[str, str]) -> str:
    """Returns a library's message on one line, without the password in any spelling."""
    password = parts.get("password", "")
    for spelling in {password, quote(password, safe=""), quote(password)}:
        if len(spelling) > 2:
            message = message.replace(spelling, "***")
    return " ".join(message.split())


def refuse_encrypted(target: str) -> None:
    """Raises EnvironmentProblem where the target asks for encryption, which would hide the round trips."""
    parts = parse_dsn(target)
    for key, demands in _ENCRYPTED.items():
        if parts.get(key) in demands:
            raise EnvironmentProblem(
                f"the server's URL says {key}={parts[key]}, but engines are killed at round trips, and encryption "
                "hides those; give a test server that takes connections without it, or none to use the embedded one"
            )
