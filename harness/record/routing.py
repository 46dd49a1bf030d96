"""What a router did with executions: who served each, under which flag. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cutover.engines.roles import Role

__all__ = ["Routed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """One execution that a router has served.

    `switch` and `percent` are the flag's texts when it started, None where it was not set. `served` is the role whose
    engine was asked, for the start and then for each later command. `climb` is the role that the router works out for
    it at each share in percent, on the way up, with the switch on. `refused` says that its engine refused the workflow
    at the start, after which it is not pinned: nothing of it was begun.
    """

    execution_id: UUID
    salt: str
    switch: str | None
    percent: str | None
    served: tuple[Role, ...]
    climb: tuple[tuple[str, Role], ...] = ()
    refused: bool = False
