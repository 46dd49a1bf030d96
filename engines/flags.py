"""Where the rollout's flag comes from: the environment, a Postgres row, or an OpenFeature client. Reads these.

Two values: the kill switch USE_ORCHESTRATOR_V2, and the share of new executions that ORCHESTRATOR_V2_PERCENT sends to
the candidate. Only a strict true turns the switch on, and with the switch off the percentage is not even looked at, so
nothing can keep a rollback from working. The switch alone moves nothing: without a percentage the share is 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from cutover.engines.connection import Reconnecting, ServerSilent
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
        return self.percent if self.enabled is True else Decimal(0)


_WRITTEN = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?")

OFF = Flag(enabled=False, percent=Decimal(0))


class FlagSource(Protocol):
    """Where the router asks before each start; a change holds from the next start on."""

    def read(self) -> Flag:
        """The flag as it is now, soon: the start waits for it. Raises FlagError."""


def percent_of(text: str, *, where: str = PERCENT) -> Decimal:
    """A percentage from text, written as people write one: `10`, `0.5`, `12.25`. Raises FlagError, naming `where`.

    Nothing is guessed: what Python or Postgres would take for a number besides (` 10`, `+10`, `1e1`, `1_0`, `010`,
    other digits than 0 to 9) was hardly meant to be one here.
    """
    if _WRITTEN.fullmatch(text) is None:
        raise _no_percentage(text, where)
    return in_range(Decimal(text), where=where)


def in_range(percent: Decimal, *, where: str = PERCENT) -> Decimal:
    """The percentage itself, which is a number already. Raises FlagError, naming `where` it stands."""
    if not percent.is_finite() or not 0 <= percent <= 100 or percent != round(percent, 2):
        raise _no_percentage(str(percent), where)
    return abs(percent)


def _no_percentage(text: str, where: str) -> FlagError:
    shown = f"{text[:40]!r}{' ...' if len(text) > 40 else ''}"
    return FlagError(f"{where} is {shown}; it must be a number from 0 to 100 with at most two decimals, such as 12.5")


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

    A server that does not answer within `timeout_s` seconds, connecting included, cannot be read; nor can it the next
    time, until it answers again.
    """

    def __init__(self, dsn: str, *, timeout_s: int = 5) -> None:
        self._connection = Reconnecting(dsn, timeout_s=timeout_s)

    def install(self) -> None:
        """Creates the table; idempotent."""
        self._connection.use(_install)

    def read(self) -> Flag:
        """The row as it is now, on only where it is a boolean true.

        Raises FlagError where the database or the table does not answer, and for an invalid percentage while on.
        """
        try:
            row = self._connection.ask(sql("cutover.engines", "flags_read"), {"name": SWITCH})
        except (psycopg.Error, ServerSilent) as error:
            reason = error if isinstance(error, ServerSilent) else type(error).__name__
            raise FlagError(f"flag {SWITCH}: table orchestrator_flags cannot be read ({reason})") from error
        if row is None:
            return OFF
        enabled, percent = row
        if enabled is not True:
            return OFF if not isinstance(percent, Decimal) else Flag(enabled=False, percent=percent)
        where = f"the percent of {SWITCH}"
        number = (
            in_range(percent, where=where) if isinstance(percent, Decimal) else percent_of(str(percent), where=where)
        )
        return Flag(enabled=True, percent=number)

    def write(self, flag: Flag) -> None:
        """Changes the row, for all routers at once. Raises FlagError for an invalid percentage."""
        values = {"name": SWITCH, "enabled": flag.enabled, "percent": in_range(Decimal(str(flag.percent)))}
        self._connection.ask(sql("cutover.engines", "flags_write"), values)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _install(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('engines.install'))")
        connection.execute(sql("cutover.engines", "flags"))


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
        return Flag(enabled=True, percent=_number(share.value))


def _number(value: object) -> Decimal:
    """The percentage that a provider gave. Raises FlagError for what is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _no_percentage(repr(value), PERCENT)
    return in_range(Decimal(repr(value)))
