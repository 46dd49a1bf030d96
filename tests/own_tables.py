"""Two engines that keep their rows where no query of the plan looks: V1 and V2, each in a schema of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    Engine,
    EngineContext,
    Journal,
)
from cutover.engines.registry import resolve

__all__ = ["control", "create", "unread"]


class _InOwnSchema:
    """An engine whose connections see its own schema before all others."""

    def __init__(self, spec: str, context: EngineContext, schema: str) -> None:
        self._dsn, self._schema = context.dsn, schema
        given = conninfo_to_dict(context.dsn).get("options") or "" if context.dsn else ""
        options = f"{given} -c search_path={schema}".strip()
        own = replace(context, dsn=make_conninfo(context.dsn, options=options))
        engine = resolve(spec)(own)
        self._engine = engine
        self.name = f"{engine.name} in {schema}"
        self.execute, self.resume, self.cancel = engine.execute, engine.resume, engine.cancel
        self.journal: Callable[[UUID], Journal] = engine.journal
        self.close = engine.close

    def install(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema)))
        self._engine.install()


def create(context: EngineContext) -> Engine:
    """Returns V2."""
    return _InOwnSchema("v2", context, "ours")


def control(context: EngineContext) -> Engine:
    """Returns V1."""
    return _InOwnSchema("v1", context, "theirs")


def unread(context: EngineContext) -> Engine:
    """Returns V2, whose journal nobody can read while an activity runs in this process."""
    engine = _InOwnSchema("v2", replace(context, activities=_Alone(context.activities)), "ours")
    read = engine.journal

    def journal(execution_id: UUID) -> Journal:
        if _Alone.running:
            raise RuntimeError("an activity runs")
        return read(execution_id)

    engine.journal = journal
    return engine


class _Alone:
    """Activities; `running` says that one of them runs."""

    running = False

    def __init__(self, activities: Activities) -> None:
        self._activities = activities

    def call(self, call: ActivityCall) -> ActivityResult:
        """Calls one."""
        _Alone.running = True
        try:
            return self._activities.call(call)
        finally:
            _Alone.running = False
