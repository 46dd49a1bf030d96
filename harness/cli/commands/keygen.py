"""`cutover keygen`: a key that runs are signed with. Writes files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.console import emit
from cutover.harness.cli.status import Status
from cutover.reports.words import plain

__all__ = ["keygen"]


def keygen(
    key_file: Annotated[
        Path, typer.Argument(help="Where to write the private key; the public one goes beside it.", metavar="KEYFILE")
    ],
) -> int:
    """Make a key to sign runs with: KEYFILE, which nobody else may read, and KEYFILE.pub for whoever verifies.

    It is an Ed25519 key as a PEM file; openssl makes the same. No file is replaced.

    [bold]Examples[/bold]

      cutover keygen cutover.key
      cutover run --sign cutover.key
      cutover verify cutover-runs/RUN --key cutover.key.pub
    """
    from cutover.harness.store.signing import make_key

    fingerprint = make_key(key_file)
    emit(plain(f"key {fingerprint[:12]}: {key_file} signs, {key_file}.pub verifies"))
    return Status.GO
