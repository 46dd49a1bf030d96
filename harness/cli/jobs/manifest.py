"""The manifest of a new run: its engines, server and machine. Reads the engines' sources."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from typing import Literal

from cutover.engines.registry import describe
from cutover.harness.cli.installation import installed_version
from cutover.harness.record.trials import EngineInfo, Manifest
from cutover.harness.run.postgres.server import Server

__all__ = ["engine_info", "new_manifest"]


def engine_info(spec: str) -> EngineInfo:
    """Returns the engine's name and the digest of its sources. Raises as `cutover.engines.registry.describe`."""
    name, digest = describe(spec)
    return EngineInfo(spec=spec, name=name, digest=digest)


def new_manifest(
    server: Server,
    *,
    run_id: str,
    created_at: datetime,
    seed: int,
    stage: int,
    control: EngineInfo,
    candidate: EngineInfo,
    planned: int,
    workers: int,
    arguments: tuple[str, ...] = (),
    crash_budget_s: float | None = None,
    material: Literal["designed", "chosen", ""] = "",
) -> Manifest:
    """Returns the manifest of a run of which nothing has finished; `planned` are its trials, `created_at` is UTC."""
    return Manifest(
        run_id=run_id,
        created_at=created_at,
        cutover_version=installed_version(),
        seed=seed,
        stage=stage,
        control=control,
        candidate=candidate,
        server=server.description,
        server_version=server.version,
        planned=planned,
        finished=0,
        workers=workers,
        seconds=0.0,
        arguments=arguments,
        environment=_machine(),
        crash_budget_s=crash_budget_s,
        material=material,
    )


def _machine() -> dict[str, str | int | None]:
    """Returns what the run runs on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
