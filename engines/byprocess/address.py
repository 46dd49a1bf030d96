"""The URL of a database for any driver: over TCP, with nothing in it that only libpq knows. Reads a small file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

__all__ = ["TCP_FILE", "address_for_all"]

TCP_FILE: Final = "cutover-tcp.json"
"""In a server's folder of sockets: its port and password for TCP, an object with `port` and `password`."""
_LIBPQ_ALONE: Final = frozenset({"gssencmode", "channel_binding", "sslnegotiation", "client_encoding"})
_PLACE: Final = frozenset({"host", "hostaddr", "port", "user", "password", "dbname"})


def address_for_all(dsn: str) -> str:
    """Returns the URL with the server's place for TCP where the server tells it, else with the place that it has.

    Not every driver knows sockets, or the parameters that are libpq's own.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}
    host = parts.get("hostaddr") or parts.get("host") or "localhost"
    port, password = parts.get("port", "5432"), parts.get("password", "")
    told = Path(host) / TCP_FILE
    if host.startswith("/") and told.is_file():
        found = json.loads(told.read_bytes())
        host, port, password = "127.0.0.1", str(found["port"]), str(found["password"])
    rest = {name: value for name, value in parts.items() if name not in _PLACE | _LIBPQ_ALONE}
    if rest.get("sslmode") == "disable":
        del rest["sslmode"]  # what every driver does where it is not asked for more
    login = quote(parts.get("user", "postgres"), safe="") + (f":{quote(password, safe='')}" if password else "")
    if host.startswith("/"):
        rest, place = {"host": host, "port": port} | rest, ""
    else:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(rest.items()))
    return f"postgresql://{login}@{place}/{quote(parts.get('dbname', ''), safe='')}{'?' if query else ''}{query}"
