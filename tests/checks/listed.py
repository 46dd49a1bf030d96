"""The list of checks, from the code: id, sentence, where each is made, which stages require it. Writes a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, get_args

from rows import MANIFEST

from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.costs.judgement import PERF
from cutover.harness.judge.crash.durable import DURABLE_CHECKS
from cutover.harness.judge.crash.tally import CRASH_CHECK_IDS
from cutover.harness.judge.flag import FLAG
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.identity import RunKeys
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.rereads import READ
from cutover.harness.record.plays import PlayCheck

__all__ = ["LIST", "MARKS", "expected_list", "list_in", "sentences", "write_list"]

LIST: Final = Path(__file__).parents[2] / "docs" / "checks" / "README.md"
MARKS: Final = ("<!-- the list: written by `python tests/checks` -->\n", "<!-- end of the list -->\n")
_RUN: Final = "META"
"""The one check of the run itself, which no policy has to ask for."""


def sentences() -> Mapping[str, str]:
    """Returns every check that the judge has, by id, with its sentence."""
    return Gathered(MANIFEST, ()).checks._registered


def expected_list() -> str:
    """Returns the list as a table."""
    rows = [("check", "what holds", "made on", "required in"), ("---", "---", "---", "---")]
    rows += [
        (f"[{check}]({check.lower()}.md)", sentence, ", ".join(_where(check)), _stages(check))
        for check, sentence in sentences().items()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def list_in(text: str) -> str:
    """Returns the list that stands in a page."""
    return text.partition(MARKS[0])[2].partition(MARKS[1])[0]


def write_list() -> int:
    """Writes the list where it belongs; returns the exit status."""
    text = LIST.read_text(encoding="utf-8")
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    LIST.write_text(f"{before}{begin}{expected_list()}{end}{after}", encoding="utf-8")
    return 0


def _where(check: str) -> Iterator[str]:
    """Yields the kinds of rows on which the judge makes the check."""
    if check in CHECKS:
        yield "trials"
    if check in {*CRASH_CHECK_IDS, *(name for name, _ in DURABLE_CHECKS)}:
        yield "crash cases"
    if check in get_args(PlayCheck):
        yield "plays"
    if check == READ:
        yield "later reads"
    if check == FLAG:
        yield "routing"
    if check == PERF:
        yield "counted costs"
    if check == RunKeys().result().check:
        yield "the run's keys"
    if check == _RUN:
        yield "the run itself"


def _stages(check: str) -> str:
    if check == _RUN:
        return "every stage, by whatever policy"
    stages = [stage.percent for stage in default_policy().stages if check in stage.required_checks]
    every = len(stages) == len(default_policy().stages)
    return "every stage" if every else ", ".join(f"{percent} %" for percent in stages) or "none"
