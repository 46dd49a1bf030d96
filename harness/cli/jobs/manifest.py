"""The manifest of a new run: its engines, server and machine, and what is built in. Reads sources."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from cutover.engines.byprocess.hosting import unkillable
from cutover.engines.registry import described, resolve
from cutover.harness.cli.installation import installed_version
from cutover.harness.errors import UsageProblem
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.trials import EngineInfo, Manifest
from cutover.harness.run.postgres.server import Server

__all__ = ["built_in", "engine_info", "new_manifest"]

_SOURCES: Final = {
    "scenarios": "scenarios",
    "crash cases": "harness/run/crash",
    "reports": "reports",
}
"""What is built in of each kind, as folders of the package."""
_SUFFIXES: Final = frozenset({".py", ".json", ".toml", ".css", ".jinja"})


def engine_info(spec: str, *, killed: bool = False) -> EngineInfo:
    """Returns the engine's name and the digest of its sources.

    Raises as `cutover.engines.registry.describe`, and UsageProblem where it is to be `killed` and cannot be.
    """
    name, digest, lacks = described(spec)
    if killed and (fault := unkillable(resolve(spec))):
        raise UsageProblem(fault)
    return EngineInfo(spec=spec, name=name, digest=digest, lacks=lacks)


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
    command: Literal["run", "crash"] = "run",
    signer: str = "",
    server_mode: str = "",
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
        command=command,
        built_in=built_in(),
        signer=signer,
        server_mode=server_mode,
    )


@cache
def built_in() -> Mapping[str, str]:
    """Returns SHA-256 of the policy that ships, and of the sources that scenarios, cases and reports are made by."""
    package = Path(str(resources.files("cutover")))
    digests = {what: _digest(package / folder) for what, folder in _SOURCES.items()}
    return {"policy": default_policy().digest, **digests}


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _machine() -> dict[str, str | int | None]:
    """Returns what the run runs on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
