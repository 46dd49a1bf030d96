"""The signature beside a run's rows: what it speaks of, and whether that is still so. Does I/O, and knows no key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cutover.harness.errors import SignatureProblem
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.files import digest_of
from cutover.harness.store.tables import SIGNATURE
from cutover.scenarios.inputs.files import FileRefused, is_there, read_bytes
from cutover.scenarios.inputs.limits import MANIFEST_BYTES

__all__ = ["RunSignature", "digests_in"]

_HEAD: Final = b"cutover saved run, signature 1\n"
"""What is signed begins with this, so that a signature made for anything else says nothing of a run."""
_SCHEMA: Final = 1
_ALGORITHM: Final = "Ed25519"
_KEYS: Final = frozenset({"schema_version", "algorithm", "key", "run_id", "files", "signature"})


@dataclass(frozen=True, slots=True)
class RunSignature:
    """A signature of the `files`, which are named with their SHA-256, of one run by the key of that fingerprint."""

    key: str
    run_id: str
    files: Mapping[str, str]
    signature: str = ""

    @classmethod
    def load(cls, folder: Path) -> RunSignature:
        """Returns what the file in a run's folder says, which nobody has checked yet. Raises SignatureProblem."""
        file = folder / SIGNATURE
        try:
            if not is_there(file):
                absent = f"{folder} is not signed: it has no {SIGNATURE}"
                raise SignatureProblem(f"{absent}; `cutover run --sign KEYFILE` signs")
            told = json.loads(read_bytes(file, MANIFEST_BYTES), object_pairs_hook=_once)
            found = cls(told["key"], told["run_id"], told["files"], told["signature"])
            texts = (found.key, found.run_id, found.signature, *found.files.values())
            form = (told.keys(), told["schema_version"], told["algorithm"])
            known = form == (_KEYS, _SCHEMA, _ALGORITHM) and all(isinstance(text, str) for text in texts)
        except FileRefused as error:
            raise SignatureProblem(f"{error}; do not believe the run") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _unknown(file) from error
        if not known:
            raise _unknown(file)
        return found

    @property
    def message(self) -> bytes:
        """What the key signs."""
        told = {"run_id": self.run_id, "files": dict(self.files)}
        return _HEAD + json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")

    def save(self, folder: Path) -> None:
        """Writes it beside the files. Raises OSError."""
        told = {
            "schema_version": _SCHEMA,
            "algorithm": _ALGORITHM,
            "key": self.key,
            "run_id": self.run_id,
            "files": dict(self.files),
            "signature": self.signature,
        }
        write_whole(folder / SIGNATURE, json.dumps(told, indent=2) + "\n")

    def check_files(self, folder: Path) -> None:
        """Raises SignatureProblem where a file is not as it was signed."""
        for name, sha256 in self.files.items():
            if Path(name).name != name:
                raise SignatureProblem(f"{folder / SIGNATURE} names {name!r}, which is not a file of the run")
            try:
                found = digest_of(folder / name)
            except FileRefused as error:
                raise SignatureProblem(f"{folder / name} was signed, and {error.reason}; restore it") from error
            if found != sha256:
                raise SignatureProblem(f"{folder / name} is not the file that was signed; do not believe the run")


def _unknown(file: Path) -> SignatureProblem:
    return SignatureProblem(f"{file} is not a signature of a run that this version knows; do not believe the run")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Returns an object of JSON. Raises ValueError for a key that comes twice, of which readers take either."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def digests_in(folder: Path) -> dict[str, str]:
    """Returns the files in a run's folder but its signature, with their SHA-256. Raises OSError or FileRefused."""
    return {file.name: digest_of(file) for file in sorted(folder.iterdir()) if file.name != SIGNATURE}
