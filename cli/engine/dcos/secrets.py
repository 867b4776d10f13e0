"""Secrets and service accounts, through `dcos security` of DC/OS Enterprise."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cli.engine.dcos.faults import CommandMissing
from cli.engine.dcos.runner import Dcos
from cli.errors import EngineError, StepFailed

_ABSENT = ("not found", "no such", "does not exist", "unknown", "404")


class DcosSecrets:
    """Secrets and service accounts of a cluster."""

    def __init__(self, dcos: Dcos) -> None:
        self._dcos = dcos

    def has_secret(self, path: str) -> bool:
        """Whether the secret's folder lists it. Its value is not read."""
        folder, _, name = path.rpartition("/")
        listed = self._found("secrets", "list", folder or "/")
        # A list of names, as JSON or one per line.
        return listed is not None and name in re.findall(r"[^\s\[\]\",]+", listed)

    def has_account(self, name: str) -> bool:
        """Whether the account exists."""
        return self._found("org", "service-accounts", "show", name) is not None

    def create_secret(self, path: str, file: Path) -> None:
        """Create a secret. Its value appears on no command line."""
        self._create(
            "secrets", "create", f"--file={file}", path, verify_applied=lambda: self.has_secret(path)
        )

    def create_account_secret(self, path: str, account: str, private: Path, *, strict: bool) -> None:
        """Create the secret with which a service logs in."""
        mode = ["--strict"] if strict else []
        self._create(
            *("secrets", "create-sa-secret", *mode, str(private), account, path),
            verify_applied=lambda: self.has_secret(path),
        )

    def create_account(self, name: str, public: Path, description: str) -> None:
        """Create a service account."""
        self._create(
            *("org", "service-accounts", "create", "-p", str(public), "-d", description, name),
            verify_applied=lambda: self.has_account(name),
        )

    def how_to_delete(self, kind: Literal["secret", "account"], name: str) -> str:
        """The command."""
        if kind == "secret":
            return f"dcos security secrets delete {name}"
        return f"dcos security org service-accounts delete {name}"

    def _found(self, *args: str) -> str | None:
        try:
            with _plugin_named():
                return self._dcos.run(["security", *args])
        except EngineError as error:
            if any(mark in error.said.lower() for mark in _ABSENT):
                return None
            raise

    def _create(self, *args: str, verify_applied: Callable[[], bool]) -> None:
        with _plugin_named():
            self._dcos.change(["security", *args], verify_applied=verify_applied)


@contextmanager
def _plugin_named() -> Iterator[None]:
    """Explain a missing plugin."""
    try:
        yield
    except CommandMissing:
        raise StepFailed(
            "the cluster file has a `security` section, but this `dcos` has no command `security`",
            hint="it is part of DC/OS Enterprise: install it with "
            "`dcos package install dcos-enterprise-cli --cli`, or remove that section",
        ) from None
