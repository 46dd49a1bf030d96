"""Routers that misread the flag, and a sound one. A spec of these makes a router, not an engine."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from cutover.engines.api import Engine
from cutover.engines.flags import OFF, PERCENT, SWITCH, EnvironmentFlags, Flag, percent_of
from cutover.engines.router import Router, assign

__all__ = ["reads_the_flag_again", "sound_router", "takes_false_for_true"]


class _Forgetful(Router):
    def _serving(self, execution_id: UUID) -> Engine:
        return self._engines[assign(execution_id, self._flags.read(), salt=self._salt).role]


class _Truthy(EnvironmentFlags):
    def read(self) -> Flag:
        if not self._environ.get(SWITCH):
            return OFF
        return Flag(enabled=True, percent=percent_of(self._environ.get(PERCENT, "0")))


def sound_router(control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str) -> Router:
    """The router as it is."""
    return Router(control=control, candidate=candidate, flags=EnvironmentFlags(environ), dsn=dsn)


def reads_the_flag_again(control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str) -> Router:
    """Works out at each resume which engine serves, by the flag of that moment."""
    return _Forgetful(control=control, candidate=candidate, flags=EnvironmentFlags(environ), dsn=dsn)


def takes_false_for_true(control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str) -> Router:
    """Turns on with any text that is not empty."""
    return Router(control=control, candidate=candidate, flags=_Truthy(environ), dsn=dsn)
