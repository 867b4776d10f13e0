"""The step of Kafka's service account and the bundle's secrets.

Keys are created in files that only their owner can read. They appear on no command line and in no log.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

from cli.engine.protocol import Engine
from cli.errors import StepFailed
from cli.service_account import ServiceAccount
from cli.steps.base import Change, Report, State


class SecurityStep:
    """Creates a missing account, its secret, and secrets from files; never changes existing ones.

    keys: the folder that holds the account's key until both the account and its secret are on the cluster, so
    that an interrupted deploy continues with the same key.
    """

    name = "security"
    kind = "security"
    depends_on: frozenset[str] = frozenset()

    def __init__(
        self,
        account: str | None,
        account_secret: str,
        secrets: Mapping[str, str],
        engine: Engine,
        *,
        strict: bool,
        keys: Path,
    ) -> None:
        self._account = account
        self._account_secret = account_secret
        self._secrets = secrets
        self._engine = engine
        self._strict = strict
        self._keys = keys

    def plan(self) -> Change:
        """Look for the account and each secret. Their values are never read."""
        missing = self._missing()
        return Change("create" if missing else "unchanged", [f"+{each}" for each in missing])

    def apply(self, change: Change) -> None:
        """Create what is missing."""
        if change.action != "create":
            return
        for path, file in self._secrets.items():
            if not self._engine.secrets.has_secret(path):
                if not Path(file).expanduser().is_file():
                    raise StepFailed(
                        f"the secret {path} should come from {file}, which is not a file",
                        hint="create the file, or change `security.secrets`",
                    )
                self._engine.secrets.create_secret(path, Path(file).expanduser())
        if self._account is not None:
            secrets = self._engine.secrets
            has_secret, has_account = (
                secrets.has_secret(self._account_secret),
                secrets.has_account(self._account),
            )
            if not (has_secret and has_account):
                ServiceAccount(
                    self._account,
                    self._account_secret,
                    "Kafka of the bundle, created by pipectl",
                    self._strict,
                    self._keys,
                ).create(secrets, has_secret=has_secret, has_account=has_account)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: a new account or secret does no harm, and others may use it already."""
        return None

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: accounts and secrets are available at once."""
        return True

    def state(self) -> State:
        """Whether the account and all secrets exist."""
        missing = self._missing()
        if missing:
            return State(False, "absent", f"missing: {', '.join(missing)}")
        return State(True, "healthy", "account and secrets exist")

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: the service that uses the account stays, and secrets cannot be restored."""
        report("kept: Kafka may still need it")
        return False

    def _missing(self) -> list[str]:
        missing = [f"secret {path}" for path in self._secrets if not self._engine.secrets.has_secret(path)]
        if self._account is not None:
            if not self._engine.secrets.has_secret(self._account_secret):
                missing.append(f"secret {self._account_secret}")
            if not self._engine.secrets.has_account(self._account):
                missing.append(f"service account {self._account}")
        return missing
