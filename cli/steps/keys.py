"""Creates the key pair of a service account on this machine."""

import os
from pathlib import Path

from cli.errors import PipectlError

_BITS = 2048  # as `dcos security org service-accounts keypair`


def make_key_pair(private: Path, public: Path) -> None:
    """Write an RSA key pair as PEM (PKCS 8 and SubjectPublicKeyInfo) to files that only the user can read.

    Raises PipectlError if they cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    open_half = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, content in ((public, open_half), (private, secret)):
            file.unlink(missing_ok=True)
            # Never readable by others, not even before a chmod.
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(content)
    except OSError as error:
        raise PipectlError(
            f"cannot write the key {private}: {error.strerror}",
            hint="make the folder writable, or set PIPECTL_HOME to another one",
        ) from None
