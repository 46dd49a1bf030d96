"""Where a service is reached, and how it is seen that it has started. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cutover.engines.byprocess.faults import BadEngineSettings

__all__ = ["PORT", "URLS", "ServiceAddress", "service_address"]

URLS: Final = ("http://", "https://")
"""How the URL of a service begins."""
PORT: Final = "{port}"
"""Stands for the port of a service that is started here: in its URL, its command and its environment."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
_WORDS: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The URL that commands are posted below, without a slash at its end; it has `PORT` where the service is started.

    One that is started takes commands once it answers a GET of the path `ready` with 2xx, or has said `startup_line`
    on its standard output or error; without either, once it accepts connections.
    """

    url: str
    ready: str | None = None
    startup_line: str | None = None

    def at(self, port: int) -> ServiceAddress:
        """Returns the address with that port."""
        return ServiceAddress(self.url.replace(PORT, str(port)), self.ready, self.startup_line)


def service_address(
    spec: str, url: str, ready: str | None, startup_line: str | None, *, started: bool
) -> ServiceAddress:
    """Returns the address of a service, of one that is `started` here or of one that runs already.

    Raises BadEngineSettings.
    """
    _refuse(spec, _url_fault(url, started=started))
    if not started:
        _refuse(spec, "`ready` and `startup_line` are for a service with a `command`" if ready or startup_line else "")
    if ready is not None and not (ready.startswith("/") and _WORDS.fullmatch(ready)):
        _refuse(spec, f"its ready {ready!r} is not a path that begins with /")
    _refuse(spec, "it has both `ready` and `startup_line`; one is enough" if ready and startup_line else "")
    return ServiceAddress(url.rstrip("/"), ready, startup_line)


def _url_fault(url: str, *, started: bool) -> str:
    """Returns what is wrong with a URL, or nothing."""
    try:
        parts = urlsplit(url.replace(PORT, "1"))
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"its url {url!r} cannot be read: {error}"
    if not url.startswith(URLS) or not host or not _WORDS.fullmatch(url) or port == 0:
        return f"its url {url!r} is not one of a service, such as http://127.0.0.1:3000/engine"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "its url has a user, a query or a fragment; commands are posted to paths below it"
    if not started:
        return f"its url {url!r} has {PORT}, but there is no `command` that starts it" if PORT in url else ""
    if (
        parts.scheme != "http"
        or host not in _LOOPBACK
        or f":{PORT}" not in url.removeprefix("http://").partition("/")[0]
    ):
        return (
            f"its url {url!r} is not http://127.0.0.1:{PORT}: several of it are started, each here and at another port"
        )
    return ""


def _refuse(spec: str, fault: str) -> None:
    if fault:
        raise BadEngineSettings(f"engine {spec!r}: {fault}")
