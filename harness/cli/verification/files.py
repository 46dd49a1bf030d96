"""The files of a run's folder: those of the manifest as they were, no rows beside them, and pages that say the same."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cutover.harness.cli.formats import Format, rendered
from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.errors import SignatureProblem, UsageProblem
from cutover.harness.store.files import digest_of
from cutover.harness.store.signature import RunSignature
from cutover.harness.store.tables import CRASHES, MANIFEST, POLICY, SIGNATURE, WAIVERS, is_table
from cutover.reports.messages import Lang
from cutover.reports.words import plain
from cutover.scenarios.inputs.files import FileRefused, is_there, read_text
from cutover.scenarios.inputs.limits import REPORT_BYTES

if TYPE_CHECKING:
    from cutover.harness.store.signing import VerifyingKey
    from cutover.reports.document import Document

__all__ = ["REPORT", "check_files", "check_pages", "check_signature", "pages_of"]

REPORT: Final = "report.json"
_PAGES: Final = {"report.md": Format.MARKDOWN, "report.html": Format.HTML}
_EARLIER: Final = re.compile(
    r'<section id="(?:history|mutants)">(?:(?!<section id=).)*?</section>|<a href="#mutants">(?:(?!<a ).)*?</a>',
    re.DOTALL,
)
"""The parts of a page that are not of the run alone. None is looked for beyond the next, which would take for ever."""
_KNOWN: Final = frozenset({MANIFEST, POLICY, WAIVERS, SIGNATURE})
_MADE: Final = {"run": frozenset({REPORT, *_PAGES}), "crash": frozenset({CRASHES})}
"""What each command makes of the rows."""


def check_signature(run: ClaimedRun, key: VerifyingKey | None, signed: Collection[str]) -> None:
    """Raises SignatureProblem or RunError where what the manifest says of a signature is not so.

    `signed` names the files that the key has signed; without a key nobody has looked.
    """
    claimed, there = run.manifest.signer, is_there(run.folder / SIGNATURE)
    if key is not None:
        if claimed != key.fingerprint:
            raise SignatureProblem(f"{run.folder / MANIFEST} does not say that {key.file} was to sign the run")
        if MANIFEST not in signed or not {REPORT, CRASHES} & set(signed):
            raise SignatureProblem(f"{run.folder / SIGNATURE} does not speak of the manifest and a report")
        if left := sorted(each.name for each in run.folder.iterdir() if each.name not in {SIGNATURE, *signed}):
            run.unchecked.append(f"files that were not signed: {_listed(left)}")
        return
    if bool(claimed) != there:
        told = "is to be signed, and is not" if claimed else "is not to be signed, and is"
        raise run.refusal(f"by its manifest the run {told} ({SIGNATURE}); run again")
    if claimed and RunSignature.load(run.folder).key != claimed:
        raise run.refusal(f"{SIGNATURE} is by another key than the one that was to sign it; run again")
    if claimed:
        run.unchecked.append(f"the signature by key {claimed[:12]}: give the public key with --key")


def check_files(run: ClaimedRun) -> None:
    """Raises RunError where a file is not the one that the manifest names, or has rows and is not named at all."""
    named = run.manifest.files
    for name, sha256 in named.items():
        if Path(name).name != name or not (is_table(name) or name in {POLICY, WAIVERS}):
            raise run.refusal(f"the manifest names {plain(name)!r}, which is not a file of a run")
        try:
            found = digest_of(run.folder / name)
        except FileRefused as error:
            raise run.refusal(f"{name} {error.reason}; restore it or run again") from error
        if found != sha256 and not is_table(name):  # the tables' own reader says what is wrong with one
            raise run.refusal(f"{name} is not the file that its manifest names: it was edited; restore it or run again")
    there = {each.name for each in run.folder.iterdir()}
    if beside := sorted(name for name in there - set(named) if is_table(name)):
        raise run.refusal(f"{beside[0]} has rows, and the manifest does not name it: rows were taken out of the run")
    if run.newer and (beside := sorted({POLICY, WAIVERS} & there - set(named))):
        raise run.refusal(f"{beside[0]} is not in the manifest, so the run was not judged by it; remove it")
    if unknown := sorted(there - _KNOWN - _MADE[run.manifest.command] - set(named)):
        run.unchecked.append(f"files that are not part of the run: {_listed(unknown)}")


def check_pages(run: ClaimedRun, document: Document) -> None:
    """Raises RunError where a page beside the report says something else than the report, in any language."""
    for name in pages_of(run):
        file, form = run.folder / name, _PAGES[name]
        try:
            found = read_text(file, REPORT_BYTES)
        except FileRefused as error:
            raise run.refusal(f"{name} {error.reason}; remove it, or make it again by `cutover report`") from error
        pages = list(_pages(document, form, run.folder))
        if found in pages:
            continue
        if _EARLIER.sub("", found) not in {_EARLIER.sub("", page) for page in pages}:
            made = f"`cutover report {run.folder} --format {form} --out {file}` makes it again"
            run.differs("reports", f"{name} does not say what the rows come to; {made}")
        elif form is Format.HTML:
            run.unchecked.append(f"what {name} shows of earlier runs and of mutants")


def pages_of(run: ClaimedRun) -> list[str]:
    """Returns the names of the pages in a run's folder that stand beside its report."""
    return [name for name in _PAGES if os.path.lexists(run.folder / name)]


def _pages(document: Document, form: Format, folder: Path) -> Iterator[str]:
    for lang in Lang:
        yield rendered(document, form, lang)
        if form is Format.HTML:
            try:
                yield rendered(document, form, lang, folder)
            except UsageProblem:
                continue  # mutants.json is not a kill matrix


def _listed(names: Collection[str]) -> str:
    shown = [plain(name) for name in list(names)[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
