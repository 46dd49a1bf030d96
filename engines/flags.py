"""Where the rollout's flag comes from: the environment, a Postgres row, or an OpenFeature client. Reads these.

Two values: the kill switch USE_ORCHESTRATOR_V2, and the share of new executions that ORCHESTRATOR_V2_PERCENT sends to
the candidate. Only a strict true turns the switch on, and with the switch off the percentage is not even looked at, so
nothing can keep a rollback from working. The switch alone moves nothing: without a percentage the share is 0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from cutover.engines.connection import Reconnecting
from cutover.engines.errors import CutoverError
from cutover.engines.sqlfiles import sql

if TYPE_CHECKING:  # the extra `openfeature` is for those who use it
    from openfeature.client import OpenFeatureClient
    from openfeature.flag_evaluation import FlagEvaluationDetails

__all__ = [
    "OFF",
    "PERCENT",
    "SWITCH",
    "EnvironmentFlags",
    "Flag",
    "FlagError",
    "FlagSource",
    "OpenFeatureFlags",
    "PostgresFlags",
    "percent_of",
]

SWITCH = "USE_ORCHESTRATOR_V2"
PERCENT = "ORCHESTRATOR_V2_PERCENT"


class FlagError(CutoverError):
    """A flag that cannot be read or is not valid; the message names it, its value and what it may be."""


@dataclass(frozen=True, slots=True)
class Flag:
    """The switch, and the share of new executions in percent (0 to 100, at most two decimals)."""

    enabled: bool
    percent: Decimal

    @property
    def share(self) -> Decimal:
        """The percentage that holds: 0 while the switch is off."""
        return self.percent if self.enabled else Decimal(0)


OFF = Flag(enabled=False, percent=Decimal(0))


class FlagSource(Protocol):
    """Where the router asks before each start; a change holds from the next start on."""

    def read(self) -> Flag:
        """The flag as it is now, soon: the start waits for it. Raises FlagError."""


def percent_of(text: str, *, where: str = PERCENT) -> Decimal:
    """A percentage from text. Raises FlagError, naming `where` it stands."""
    try:
        percent = Decimal(text.strip())
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or not 0 <= percent <= 100 or percent != round(percent, 2):
        raise FlagError(f"{where} is {text[:40]!r}; it must be a number from 0 to 100 with at most two decimals")
    return abs(percent)


class EnvironmentFlags:
    """USE_ORCHESTRATOR_V2 and ORCHESTRATOR_V2_PERCENT in the environment."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def read(self) -> Flag:
        """On only where the switch is exactly `true`. Raises FlagError for an invalid percentage."""
        if self._environ.get(SWITCH) != "true":
            return OFF
        return Flag(enabled=True, percent=percent_of(self._environ.get(PERCENT, "0")))


class PostgresFlags:
    """The row USE_ORCHESTRATOR_V2 of table orchestrator_flags; no row is off.

    A server that does not answer within `timeout_s` seconds cannot be read.
    """

    def __init__(self, dsn: str, *, timeout_s: int = 5) -> None:
        self._connection = Reconnecting(dsn, timeout_s=timeout_s)

    def install(self) -> None:
        """Creates the table; idempotent."""
        connection = self._connection.open()
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('engines.install'))")
            connection.execute(sql("cutover.engines", "flags"))

    def read(self) -> Flag:
        """The row as it is now, on only where it is a boolean true.

        Raises FlagError where the database or the table does not answer, and for an invalid percentage while on.
        """
        try:
            row = self._connection.ask(sql("cutover.engines", "flags_read"), {"name": SWITCH})
        except psycopg.Error as error:
            reason = type(error).__name__
            raise FlagError(f"flag {SWITCH}: table orchestrator_flags cannot be read ({reason})") from error
        if row is None:
            return OFF
        enabled, percent = row
        if enabled is not True:
            return Flag(enabled=False, percent=percent)
        return Flag(enabled=True, percent=percent_of(str(percent), where=f"the percent of {SWITCH}"))

    def write(self, flag: Flag) -> None:
        """Changes the row, for all routers at once. Raises FlagError for an invalid percentage."""
        percent = percent_of(str(flag.percent))
        values = {"name": SWITCH, "enabled": flag.enabled, "percent": percent}
        self._connection.ask(sql("cutover.engines", "flags_write"), values)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class OpenFeatureFlags:
    """A boolean and a number from the OpenFeature client's provider; unknown flags are off and 0.

    Needs the extra `openfeature`.
    """

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def read(self) -> Flag:
        """On only where the provider answers a boolean true without an error. Raises FlagError for the percentage."""
        from openfeature.exception import ErrorCode  # noqa: PLC0415 - only here is the extra `openfeature` needed

        switch = self._client.get_boolean_details(SWITCH, False)
        if switch.value is not True or switch.error_code is not None:
            return OFF
        share: FlagEvaluationDetails[Any] = self._client.get_float_details(PERCENT, 0.0)
        if share.error_code is ErrorCode.TYPE_MISMATCH:
            share = self._client.get_integer_details(PERCENT, 0)
        if share.error_code not in {None, ErrorCode.FLAG_NOT_FOUND}:
            raise FlagError(f"{PERCENT}: the OpenFeature provider answers {share.error_code}: {share.error_message}")
        return Flag(enabled=True, percent=percent_of(repr(share.value)))
