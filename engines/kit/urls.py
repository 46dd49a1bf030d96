"""A DSN as a URL, for drivers that read no other form. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

__all__ = ["url_of"]


def url_of(dsn: str) -> str:
    """Returns a DSN, which may be a URL or libpq's `key=value`, as a URL; a socket's folder stays a parameter."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    user, password, database = (quote(parts.pop(key, ""), safe="") for key in ("user", "password", "dbname"))
    who = f"{user}:{password}" if password else user
    return (
        f"postgresql://{f'{who}@' if who else ''}/{database}{f'?{urlencode(parts, quote_via=quote)}' if parts else ''}"
    )
