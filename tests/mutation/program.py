"""`python tests/mutation`: text on stdout, progress on stderr, status 1 when too few mutants are killed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, get_args

from cutover.engines.errors import CutoverError
from cutover.harness.run.postgres.server import ProvisionMode
from mutation.explained import BadExplanation, apply_explanations, as_entry, read_explanations, refuse_strangers
from mutation.playing import Player, play_mutants, play_original
from mutation.results import Result, ResultsDiffer, as_document, killed_share, kills_of, read_again, summary
from mutation.sites import Key, Site, drawn, sites
from mutation.targets import ROOT, TARGETS, Target, changed_since, digest, touched

__all__ = ["main"]

_EXPLAINED: Final = Path(__file__).with_name("equivalent.toml")
_QUIET_S: Final = {"engine": 20.0, "judge": 60.0}
"""Real time in which a fork must have begun its next trial, case or test."""


class NothingToMutate(Exception):
    """What was asked for names no source with a mutant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when enough mutants are killed, 1 when not, 2 for wrong usage, 4 when nothing can be said."""
    options = _parser().parse_args(arguments)
    try:
        return _run(TARGETS[options.target], options)
    except (BadExplanation, NothingToMutate, ResultsDiffer, subprocess.CalledProcessError) as problem:
        _say(f"error: {getattr(problem, 'stderr', None) or problem}")
        return 2
    except CutoverError as problem:
        _say(f"error: {problem}")
        return 4


def _run(target: Target, options: Namespace) -> int:
    explained = read_explanations(_EXPLAINED.read_text(encoding="utf-8"))
    found = _sites(target, options, explained)
    chosen = drawn(found, options.seed, options.sample)
    setting = _setting(target, options)
    file = options.resume or options.json
    before: dict[Key, Result] = {}
    if options.resume and options.resume.exists():
        document = json.loads(options.resume.read_text(encoding="utf-8"))
        before = kills_of(document) if options.again else read_again(document, setting)
    known = {site.mutant.key: before[site.mutant.key] for site in chosen if site.mutant.key in before}
    _say(f"{len(chosen)} of {len(found)} mutants, {len(known)} of them played before")
    left = [site for site in chosen if site.mutant.key not in known]
    left.sort(key=lambda site: site.mutant.key in explained)  # what is known to survive takes longest and tells least
    for result in _played(target, options, left):
        known[result.mutant.key] = result
        _write(file, list(known.values()), setting, len(found))
    results = apply_explanations((known[site.mutant.key] for site in chosen), explained)
    _write(file, results, setting, len(found))
    sys.stdout.write(summary(results, sites=len(found)))
    if options.entries:
        sys.stdout.write("".join("\n" + as_entry(each.mutant.key) for each in results if each.status == "survived"))
    share = killed_share(results)
    return 0 if share is None or share >= target.wanted else 1


def _sites(target: Target, options: Namespace, explained: Mapping[Key, str]) -> list[Site]:
    """All sites that were asked for. Raises BadExplanation, and NothingToMutate where there is none."""
    changes = changed_since(options.since, target.folder) if options.since else None
    files = target.files()
    named = [file for file in files if not options.only or any(file.endswith(only) for only in options.only)]
    named = [file for file in named if changes is None or file in changes]
    found = [site for file in named for site in sites(file, (ROOT / file).read_text(encoding="utf-8"))]
    gone = {key[0] for key in explained if key[0].startswith(f"{target.folder}/")} - set(files)
    if not found and changes is None:
        raise NothingToMutate(f"no mutants in {options.only or target.folder}; name a file of {target.folder}")
    refuse_strangers(explained, {site.mutant.key for site in found}, {*named, *gone})
    return found if changes is None else touched(found, changes)


def _played(target: Target, options: Namespace, chosen: Sequence[Site]) -> Iterator[Result]:
    """Results as they come, each told on stderr; the original is played first."""
    if not chosen:
        return
    quiet_s = _QUIET_S[target.name]
    with _player(target, options) as player:
        if not player.known:
            _say(f"the original passes, in {play_original(target, player, quiet_s=quiet_s):.1f} s")
        for result in play_mutants(target, player, chosen, workers=options.workers, quiet_s=quiet_s):
            kill = result.kill
            how = "SURVIVED" if kill is None else f"killed by {kill.by}, {kill.stage}, after {kill.cases}"
            _say(f"{result.seconds:6.2f} s  {result.mutant}: {how}")
            yield result


@contextmanager
def _player(target: Target, options: Namespace) -> Iterator[Player]:
    """Imported late: who plays mutants of the judge must not have imported the judge."""
    if target.name == "judge":
        from mutation.tested import judge_player  # noqa: PLC0415

        with judge_player() as player:
            yield player
    else:
        from mutation.engine import engine_player  # noqa: PLC0415

        with engine_player(options) as player:
            yield player


def _setting(target: Target, options: Namespace) -> dict[str, Any]:
    """What a result depends on: sources, and for an engine what it is played on."""
    if target.name == "judge":
        return {"target": target.name, "sources": digest([target.folder, "tests/unit"])}
    played_on = {name: getattr(options, name) for name in ("seed", "generated", "cases", "restarts")}
    return {"target": target.name, "sources": digest([target.folder]), **played_on}


def _write(file: Path | None, results: Sequence[Result], setting: Mapping[str, Any], count: int) -> None:
    """Replaces the file as a whole, so that it can be read at any time."""
    if file is not None:
        new = file.with_name(file.name + ".new")
        new.write_text(json.dumps(as_document(results, setting, sites=count), indent=1) + "\n", encoding="utf-8")
        new.replace(file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/mutation", description="Mutants of V2 or of the judge, and who notices."
    )
    parser.add_argument("--target", choices=list(TARGETS), default="engine", help="what to mutate (engine)")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample, and what it is played on (1)")
    parser.add_argument("--sample", type=int, metavar="N", default=400, help="how many mutants (400)")
    parser.add_argument("--only", action="append", metavar="FILE", help="only this file, by the end of its path")
    parser.add_argument("--since", metavar="REV", help="only what is not as in this revision")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="how many at a time")
    parser.add_argument("--generated", type=int, default=200, help="trials of drawn scenarios for an engine (200)")
    parser.add_argument("--cases", type=int, default=200, help="crash cases for an engine (200)")
    parser.add_argument("--restarts", type=int, default=5, help="crash cases in which the server dies (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="read results, play what is missing, write all")
    parser.add_argument(
        "--course", type=Path, metavar="FILE", help="keep there what the original runs, for a next time"
    )
    parser.add_argument("--again", action="store_true", help="with --resume: play its survivors again, on what is here")
    parser.add_argument("--entries", action="store_true", help="print each survivor as an entry of equivalent.toml")
    parser.add_argument("--postgres", metavar="URL", help="play engines on this server")
    parser.add_argument("--mode", choices=get_args(ProvisionMode), default="embedded", help="which server (embedded)")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
