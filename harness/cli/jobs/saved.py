"""A saved run, judged again: its policy and waivers, and the report document. Reads files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cutover.harness.judge.differences.waivers import Waivers
    from cutover.harness.judge.policy.model import Policy
    from cutover.harness.store.signing import SigningKey
    from cutover.reports.document import Document

__all__ = ["judged", "key_of", "own", "policy_of", "waivers_of"]

_NAMED_FROM: Final = 3
"""The schema version of a run from which on its manifest names these files."""


def policy_of(file: Path | None) -> Policy:
    """Returns the policy in a file, or the built-in one."""
    from cutover.harness.judge.policy.loading import default_policy, load_policy

    return default_policy() if file is None else load_policy(_text(file), str(file))


def waivers_of(file: Path | None) -> Waivers | None:
    """Returns the waivers in a file, or None where no file is given."""
    from cutover.harness.judge.differences.waivers import load_waivers

    return None if file is None else load_waivers(_text(file), str(file))


def _text(file: Path) -> str:
    from cutover.harness.errors import ConfigurationProblem
    from cutover.scenarios.inputs.files import FileRefused, read_text
    from cutover.scenarios.inputs.limits import SETTINGS_BYTES

    try:
        return read_text(file, SETTINGS_BYTES)
    except FileRefused as error:
        if error.exit_status == ConfigurationProblem.exit_status:
            raise ConfigurationProblem(str(error)) from error
        raise


def own(run: Path, name: str) -> Path | None:
    """Returns the file of that name beside the run's rows, or None; the run was judged by it.

    Raises RunError where it is not the one that the manifest names; those of older versions name none.
    """
    from cutover.harness.errors import RunError
    from cutover.harness.store.files import digest_of
    from cutover.harness.store.reader import load_manifest
    from cutover.scenarios.inputs.files import is_there

    manifest, file = load_manifest(run), run / name
    named = manifest.files.get(name)
    if not is_there(file):
        if named is not None:
            raise RunError(f"{file} is missing, and the manifest names it; restore it or run again")
        return None
    if named is None and manifest.schema_version >= _NAMED_FROM:
        raise RunError(f"{file} is not in the manifest, so the run was not judged by it; remove it")
    if named is not None and digest_of(file) != named:
        raise RunError(f"{file} is not the file that its manifest names: it was edited; restore it or run again")
    return file


def key_of(file: Path | None) -> SigningKey | None:
    """Returns the key in a file to sign with, or None where no file is given. Raises ConfigurationProblem."""
    if file is None:
        return None
    from cutover.harness.store.signing import SigningKey

    return SigningKey.load(file)


def judged(
    folder: Path,
    policy: Policy,
    stage: int,
    waivers: Waivers | None = None,
    *,
    judged_by: Mapping[str, str] = MappingProxyType({}),
) -> Document:
    """Returns the report on a saved run, by a policy, for a stage; uses all cores where the run is large.

    `judged_by` has the options, with their values, that differ from the run's own; the command that reproduces it
    needs them.
    """
    from cutover.harness.judging import judge_run
    from cutover.harness.store.reader import load_manifest
    from cutover.reports.document import build

    workers = len(os.sched_getaffinity(0))
    analysis = judge_run(folder, policy, stage, workers=workers, waivers=waivers)
    return build(analysis, load_manifest(folder), judged_by=judged_by)
