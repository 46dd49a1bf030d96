"""Signs a saved run with Ed25519, and checks the signature with the public key. Does I/O.

Digests that stand beside what they are of prove nothing against whoever can write there; a signature does, as long as
the key is kept elsewhere. Whoever checks it needs the public key alone, with which nobody can sign.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

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
from cutover.harness.store.atomic import naming, write_whole
from cutover.harness.store.signature import RunSignature, digests_in
from cutover.harness.store.tables import SIGNATURE
from cutover.scenarios.inputs.files import is_there, read_bytes
from cutover.scenarios.inputs.limits import KEY_BYTES

__all__ = ["SigningKey", "VerifyingKey", "make_key"]


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
        found = RunSignature.load(folder)
        if found.key != self.fingerprint:
            raise SignatureProblem(
                f"{folder} was signed by key {found.key[:12]!r}, and {self.file} holds {self.fingerprint[:12]}; give "
                "the key of whoever should have made the run, or do not believe it"
            )
        try:
            self._key.verify(bytes.fromhex(found.signature), found.message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureProblem(
                f"{folder / SIGNATURE} was not made by the key in {self.file}; do not believe the run"
            ) from error
        found.check_files(folder)
        return tuple(found.files)


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
        unsigned = RunSignature(self.fingerprint, run_id, digests_in(folder))
        replace(unsigned, signature=self._key.sign(unsigned.message).hex()).save(folder)


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
        with naming(file), os.fdopen(descriptor, "wb") as stream:
            stream.write(secret)
        write_whole(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError:
        with contextlib.suppress(OSError):
            file.unlink()
        raise
    return SigningKey(key).fingerprint


def _pem(file: Path) -> bytes:
    if not is_there(file):
        raise ConfigurationProblem(f"{file}: no such file; a key is a PEM file that `cutover keygen` or openssl wrote")
    return read_bytes(file, KEY_BYTES)


def _fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()
