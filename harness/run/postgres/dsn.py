"""Connection URLs: reading, rewriting, and hiding what is secret in them. Pure but for libpq's parser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from cutover.harness.errors import EnvironmentProblem

__all__ = ["SECRETS", "parse_dsn", "redact", "refuse_encrypted", "scrub", "to_url", "unreadable"]

_AUTHORITY = re.compile(
    r"^(?P<scheme>postgres(?:ql)?://)(?P<user>[^:/@?]*):(?P<password>.*)@(?P<rest>[^@]*)$", re.DOTALL
)
_ENCRYPTED = {
    "sslmode": frozenset({"require", "verify-ca", "verify-full"}),
    "sslnegotiation": frozenset({"direct"}),
    "channel_binding": frozenset({"require"}),
    "gssencmode": frozenset({"require"}),
}
_OPTIONS: Final = pq.Conninfo.get_defaults()
_KEYWORDS: Final = ("ssl", *(option.keyword.decode() for option in _OPTIONS))
SECRETS: Final = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key", "options"}
    | {option.keyword.decode() for option in _OPTIONS if option.dispchar == b"*"}
)
"""The parts of a URL that are never shown: what libpq hides, and settings, which may be anything."""
_HIDDEN: Final = "***"
_SHORT: Final = 3
"""Shorter secrets are left in a message, which would lose every letter that they have in common."""
_PARAMETER = f"(?:{'|'.join(_KEYWORDS)})=[^&]*"
_QUERY = re.compile(rf"\?{_PARAMETER}(?:&{_PARAMETER})*$", re.DOTALL)
"""What comes after a URL's place: names that libpq knows, and their values."""
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


def parse_dsn(text: str) -> dict[str, str]:
    """Returns the parts of a URL or of libpq's `key=value` form; raises EnvironmentProblem, which never shows the text.

    A password may hold `@`, `/`, `#`, `?` and `%` as they are, or percent-encoded.
    """
    url, query = _DRIVER.sub(r"\1://", text.strip()), ""
    if parameters := _QUERY.search(url):
        url, query = url[: parameters.start()], parameters[0]
    if match := _AUTHORITY.match(url):
        password = quote(unquote(match["password"]), safe="")
        url = f"{match['scheme']}{match['user']}:{password}@{match['rest']}"
    try:
        parts = conninfo_to_dict(url + query)
    except (psycopg.Error, UnicodeError):
        raise unreadable() from None
    return {name: str(value) for name, value in parts.items() if value is not None}


def unreadable() -> EnvironmentProblem:
    """Returns the error of what is not a URL, or has a host that is not a name; nothing of it is shown."""
    return EnvironmentProblem(
        "the Postgres URL cannot be read; write postgresql://user:password@host:5432/database with a host that can be "
        "looked up, and percent-encode odd characters in its parts"
    )


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
    """Returns the URL for messages: its secrets replaced; nothing of a text that cannot be parsed."""
    try:
        parts = parse_dsn(text)
    except EnvironmentProblem:
        return "(unreadable URL)"
    shown = {name: _HIDDEN if name in SECRETS else value for name, value in parts.items()}
    return to_url(shown).replace(quote(_HIDDEN), _HIDDEN)


def scrub(message: str, parts: Mapping[str, str]) -> str:
    """Returns a library's message on one line, without the secrets of the URL in any spelling."""
    secrets = {value for name, value in parts.items() if name in SECRETS}
    spelled = {spelling for value in secrets for spelling in (value, quote(value, safe=""), quote(value))}
    for spelling in sorted(spelled, key=len, reverse=True):  # one may begin with another
        if len(spelling) >= _SHORT:
            message = message.replace(spelling, _HIDDEN)
    return " ".join(message.split())


def refuse_encrypted(target: str) -> None:
    """Raises EnvironmentProblem where the target asks for encryption, which would hide the round trips."""
    parts = parse_dsn(target)
    for key, demands in _ENCRYPTED.items():
        if parts.get(key) in demands:
            raise EnvironmentProblem(
                f"the server's URL, or a variable of libpq, says {key}={parts[key]}, but engines are killed at round "
                "trips, and encryption hides those; give a test server that takes connections without it, or none to "
                "use the embedded one"
            )
