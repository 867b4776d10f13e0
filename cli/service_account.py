"""The account of a service: its key, and the secret with which the service logs in.

The key is created in a file that only its owner can read. It appears on no command line and in no log.
"""

from dataclasses import dataclass
from pathlib import Path

from cli.engine.protocol import Secrets
from cli.errors import PipectlError, StepFailed
from cli.files import write_private

_BITS = 2048  # as `dcos security org service-accounts keypair`


@dataclass(frozen=True)
class ServiceAccount:
    """An account of a service.

    secret: the path of its secret. strict: whether the cluster is in strict security mode. keys: the folder
    that holds the key until both account and secret exist, so that an interrupted command goes on with it.
    """

    name: str
    secret: str
    description: str
    strict: bool
    keys: Path

    def unmatched(self, secrets: Secrets, *, has_secret: bool, has_account: bool) -> StepFailed | None:
        """The error if one half exists and its key is not on this machine, so that nothing can match it."""
        if has_secret == has_account or self._kept:
            return None
        existing, command = (
            (f"the service account {self.name}", secrets.how_to_delete("account", self.name))
            if has_account
            else (f"the secret {self.secret}", secrets.how_to_delete("secret", self.secret))
        )
        return StepFailed(
            f"{existing} exists without its counterpart, and its key is not on this machine",
            hint=f"if nothing uses it, run `{command}`, and the same command again",
        )

    def create(self, secrets: Secrets, *, has_secret: bool, has_account: bool) -> None:
        """Create what is missing. The account is last, since it needs its secret."""
        if error := self.unmatched(secrets, has_secret=has_secret, has_account=has_account):
            raise error
        if not ((has_secret and has_account) or self._kept):
            make_key_pair(self._private, self._public)
        if not has_secret:
            secrets.create_account_secret(self.secret, self.name, self._private, strict=self.strict)
        if not has_account:
            secrets.create_account(self.name, self._public, self.description)
        for file in (self._private, self._public):
            file.unlink(missing_ok=True)

    @property
    def _private(self) -> Path:
        return self.keys / f"{self.name}.pem"

    @property
    def _public(self) -> Path:
        return self.keys / f"{self.name}.pub.pem"

    @property
    def _kept(self) -> bool:
        return self._private.exists() and self._public.exists()


def make_key_pair(private: Path, public: Path) -> None:
    """Write an RSA key pair as PEM (PKCS 8 and SubjectPublicKeyInfo) to files that only the user can read.

    The private half is last: when it is there, the pair is whole. Raises PipectlError if they cannot be
    written.
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
        private.unlink(missing_ok=True)
        write_private(public, open_half.decode())
        write_private(private, secret.decode())
    except OSError as error:
        raise PipectlError(
            f"cannot write the key {private}: {error.strerror}",
            hint="make the folder writable, or set PIPECTL_HOME to another one",
        ) from None
