"""Plays mutants in forks, the original first: what nobody may hold anything against. Starts processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

from cutover.harness.errors import EnvironmentProblem
from mutation.forks import Ending, Message, Say, play_all
from mutation.hook import import_mutated, refuse_imported
from mutation.results import Kill, Result
from mutation.sites import Site
from mutation.targets import ROOT, Target

__all__ = ["OriginalKilled", "Player", "play_mutants", "play_original"]

Act: TypeAlias = Callable[[Site | None, int, Say], Kill | None]
_NO_KILL: Final = "survived"


class OriginalKilled(EnvironmentProblem):
    """The original itself is not passed, so no mutant can be judged; the message says what is held against it."""


@dataclass(frozen=True, slots=True)
class Player:
    """How the mutants of one target are played: `act` in a fork that has imported the mutant, and in its slot.

    `prepare` readies the slot before anything is imported; `check` raises where what all share is gone; `passed` is
    called when the original has been played. Of sources whose original is `known` to pass it need not be.
    """

    act: Act
    prepare: Callable[[int], None]
    check: Callable[[], None]
    passed: Callable[[], None] = lambda: None
    known: bool = False


def play_original(target: Target, player: Player, *, quiet_s: float) -> float:
    """Plays what is not mutated; its seconds. Raises OriginalKilled."""
    ((_, ending),) = play_all([None], _in_fork(target, player), workers=1, quiet_s=quiet_s)
    if kill := _kill(ending):
        raise OriginalKilled(f"the original is held to be wrong: {kill.stage}, {kill.by}: {kill.detail}")
    player.passed()
    return ending.seconds


def play_mutants(
    target: Target, player: Player, sites: Sequence[Site], *, workers: int, quiet_s: float
) -> Iterator[Result]:
    """Each mutant's result, as it comes."""
    for site, ending in play_all(sites, _in_fork(target, player), workers=workers, quiet_s=quiet_s):
        if ending.kind == "died":
            player.check()
        assert site is not None
        yield Result(mutant=site.mutant, kill=_kill(ending), seconds=ending.seconds)


def _in_fork(target: Target, player: Player) -> Callable[[Site | None, int, Say], Message]:
    def play(site: Site | None, slot: int, say: Say) -> Message:
        refuse_imported(target.package)
        player.prepare(slot)
        say({"stage": "import", "cases": 0})
        kill = None if site is None else _imported(target, site)
        kill = kill or player.act(site, slot, say)
        return {_NO_KILL: True} if kill is None else asdict(kill)

    return play


def _imported(target: Target, site: Site) -> Kill | None:
    """Imports the mutant; what it raises then kills it."""
    file = ROOT / site.mutant.file
    try:
        import_mutated(target.module(site.mutant.file), file, site.code(str(file)))
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises when it is imported
        return Kill(stage="import", by=type(error).__name__, cases=0, detail=str(error))
    return None


def _kill(ending: Ending) -> Kill | None:
    """What became of a fork; one that died or went quiet before it answered has been noticed too."""
    if ending.kind == "done":
        return None if _NO_KILL in ending.answer else Kill(**ending.answer)
    stage, cases = str(ending.said.get("stage", "start")), int(ending.said.get("cases", 0))
    return Kill(stage=stage, by=ending.kind, cases=cases, detail=ending.words)
