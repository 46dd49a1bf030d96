"""Signs a saved run with Ed25519, and checks the signature with the public key. Does I/O.

Digests that stand beside what they are of prove nothing against whoever can write there; a signature does, as long as
the key is kept elsewhere. Whoever checks it needs the public key alone, with which nobody can sign.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cutover.harness.errors import ConfigurationProblem, SignatureProblem
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.files import digest_of
from cutover.harness.store.tables import SIGNATURE

__all__ = ["SigningKey", "VerifyingKey", "make_key", "signed_files"]

_HEAD: Final = b"cutover saved run, signature 1\n"
"""What is signed begins with this, so that a signature made for anything else says nothing of a run."""
_LARGEST_KEY, _LARGEST_SIGNATURE = 16_384, 16_000_000


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, and the file it came from."""

    file: Path
    _key: Ed25519PublicKey = field(repr=False)

    @classmethod
    def load(cls, file: Path) -> VerifyingKey:
        """Returns the key in a PEM file. Raises ConfigurationProblem for what is no such file."""
        pem = _pem(file)
        if b"PRIVATE KEY" in pem:
            raise ConfigurationProblem(f"{file} holds a private key, which nobody needs to verify; give the public one")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ConfigurationProblem(f"{file} holds no public key; `cutover keygen` writes KEYFILE.pub") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigurationProblem(f"{file} holds a key of another kind than Ed25519; make one by `cutover keygen`")
        return cls(file, key)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key, in hex."""
        return _fingerprint(self._key)

    def check(self, folder: Path) -> tuple[str, ...]:
        """Returns the names of the files that the key signed, each as it was. Raises SignatureProblem."""
        document = _signature(folder)
        files, run_id, signed_by = document["files"], document["run_id"], document["key"]
        if signed_by != self.fingerprint:
            raise SignatureProblem(
                f"{folder} was signed by key {signed_by[:12]!r}, and {self.file} holds {self.fingerprint[:12]}; "
                "give the key of whoever should have made the run, or do not believe it"
            )
        try:
            self._key.verify(bytes.fromhex(document["signature"]), _signed(run_id, files))
        except (InvalidSignature, ValueError) as error:
            raise SignatureProblem(
                f"{folder / SIGNATURE} was not made by the key in {self.file}; do not believe the run"
            ) from error
        for name, sha256 in files.items():
            _same(folder, name, sha256)
        return tuple(files)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, which leaves this object by no way but its signatures."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, file: Path) -> SigningKey:
        """Returns the key in a PEM file without a passphrase. Raises ConfigurationProblem for what is no such file."""
        try:
            key = load_pem_private_key(_pem(file), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationProblem(
                f"{file} holds no private key without a passphrase; `cutover keygen {file}` makes one at a free place"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationProblem(f"{file} holds a key of another kind than Ed25519; make one by `cutover keygen`")
        return cls(key)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the public key, in hex."""
        return _fingerprint(self._key.public_key())

    def sign(self, folder: Path, run_id: str) -> None:
        """Signs every file of a run's folder, and writes the signature beside them. Raises OSError."""
        files = {path.name: digest_of(path) for path in sorted(folder.iterdir()) if path.name != SIGNATURE}
        document = {
            "schema_version": 1,
            "algorithm": "Ed25519",
            "key": self.fingerprint,
            "run_id": run_id,
            "files": files,
            "signature": self._key.sign(_signed(run_id, files)).hex(),
        }
        write_whole(folder / SIGNATURE, json.dumps(document, indent=2) + "\n")


def make_key(file: Path) -> str:
    """Writes a new private key, for its owner alone, and beside it the public one; returns the fingerprint.

    Raises ConfigurationProblem where either file is there already, OSError where they cannot be written.
    """
    public = file.with_name(f"{file.name}.pub")
    for place in (file, public):
        if os.path.lexists(place):
            raise ConfigurationProblem(f"{place} is there already, and a key is never replaced; give another name")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secret)
        write_whole(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError:
        with contextlib.suppress(OSError):
            file.unlink()
        raise
    return SigningKey(key).fingerprint


def signed_files(folder: Path) -> tuple[str, ...]:
    """Returns the names of the files that the signature speaks of, whoever made it. Raises SignatureProblem."""
    return tuple(_signature(folder)["files"])


def _pem(file: Path) -> bytes:
    if not file.is_file():
        raise ConfigurationProblem(f"{file}: no such file; a key is a PEM file that `cutover keygen` or openssl wrote")
    with file.open("rb") as stream:
        return stream.read(_LARGEST_KEY)


def _fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _signed(run_id: str, files: Mapping[str, str]) -> bytes:
    told = {"run_id": run_id, "files": dict(files)}
    return _HEAD + json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _signature(folder: Path) -> dict[str, Any]:
    """Returns what the signature's file says, which nobody has checked yet."""
    file = folder / SIGNATURE
    if not file.is_file():
        raise SignatureProblem(f"{folder} is not signed: it has no {SIGNATURE}; `cutover run --sign KEYFILE` signs")
    try:
        if file.stat().st_size > _LARGEST_SIGNATURE:
            raise ValueError("it is too large")  # noqa: TRY301 - one sentence for all that is wrong with it
        document = json.loads(file.read_bytes())
        texts = [document["key"], document["run_id"], document["signature"], *document["files"].values()]
        if document["schema_version"] != 1 or not all(isinstance(each, str) for each in texts):
            raise ValueError("it says nothing that this version knows")  # noqa: TRY301 - as above
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureProblem(f"{file} is no signature of a run: {error}; do not believe the run") from error
    found: dict[str, Any] = document
    return found


def _same(folder: Path, name: str, sha256: str) -> None:
    if Path(name).name != name:
        raise SignatureProblem(f"{folder / SIGNATURE} names {name!r}, which is no file of the run")
    try:
        found = digest_of(folder / name)
    except OSError as error:
        raise SignatureProblem(
            f"{folder / name} was signed and cannot be read: {error.strerror or error}; restore it"
        ) from error
    if found != sha256:
        raise SignatureProblem(f"{folder / name} is not the file that was signed; do not believe the run")
