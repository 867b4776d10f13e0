"""Reading the environment that Marathon gives a task."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flink_scripts.errors import SettingsError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Environment:
    """Typed access to environment variables; every problem is a SettingsError that names the variable."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self.variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        """A variable as it is; without a default it must be there."""
        value = self.variables.get(name) or default
        if value is None:
            raise SettingsError(f"{name} is not set; the app definition's env has to give it")
        return value

    def integer(self, name: str, default: int | None = None, minimum: int = 1) -> int:
        """A whole number of at least `minimum`."""
        raw = self.text(name, None if default is None else str(default))
        try:
            value = int(raw)
        except ValueError:
            raise SettingsError(f"{name}={raw} is not a whole number") from None
        if value < minimum:
            raise SettingsError(f"{name}={raw} must be at least {minimum}")
        return value

    def seconds(self, name: str, default: float) -> float:
        """A positive number of seconds."""
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise SettingsError(f"{name}={raw} must be a positive number of seconds")
        return value

    def address(self, name: str) -> Address:
        """A "host:port"."""
        raw = self.text(name)
        host, _, port = raw.rpartition(":")
        if not host or not port.isdigit():
            raise SettingsError(f"{name}={raw} must be host:port")
        return Address(host, int(port))

    @property
    def host(self) -> str:
        """The address under which other machines reach this task."""
        return self.text("HOST", "127.0.0.1")

    @property
    def bind_host(self) -> str:
        """Where servers listen: only on loopback when that is our address, else on every interface.

        The agent's address may not exist inside a container, so a task can't always bind to it.
        """
        return self.host if self.host in _LOOPBACK else "0.0.0.0"  # noqa: S104

    @property
    def state_uri(self) -> str:
        """FLINK_STATE without a trailing slash."""
        return self.text("FLINK_STATE").rstrip("/")


def local_path(uri: str) -> Path | None:
    """The path of a file: URI (or a plain path), None for another file system.

    As Flink reads it: what follows the scheme is a path, in which a space, `%` or `#` stands for itself.
    """
    scheme, found, path = uri.partition("://")
    if not found:
        return Path(uri)
    return Path(path) if scheme == "file" else None


def file_uri(path: Path) -> str:
    """The file: URI under which Flink finds `path`; with Path.as_uri() it would make a folder named %20."""
    return f"file://{path}"
