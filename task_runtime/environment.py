"""The environment that a cluster gives a task, read by type.

Every problem is a SettingsError that names the variable. Errors show a variable's value, except for secrets:
read those with `secret`.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self, TypeVar

from task_runtime.errors import SettingsError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CHANGE = "correct it in the env of the app definition"
_PORT = re.compile(r"[0-9]{1,5}")
_SHOWN = 200
"""How many characters of a value an error shows."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Environment:
    """Typed access to environment variables. An empty variable counts as not set."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self.variables = variables

    def with_old_names(self, renamed: Mapping[str, str]) -> Self:
        """This environment, in which variables may have their old names.

        renamed: the new name of each old one. A new name wins. Each old name is a warning in the log.
        """
        variables = dict(self.variables)
        for old, new in renamed.items():
            if self.variables.get(old):
                _log.warning("%s is deprecated and will be removed: rename it to %s", old, new)
                variables.setdefault(new, self.variables[old])
        return type(self)(variables)

    def text(self, name: str, default: str | None = None) -> str:
        """The variable as it is. Without a default it is required."""
        value = self.variables.get(name) or default
        if value is None:
            raise SettingsError(f"{name} is not set; add it to the env of the app definition")
        return value

    def optional(self, name: str) -> str | None:
        """The variable as it is, or None."""
        return self.variables.get(name) or None

    def secret(self, name: str) -> str | None:
        """A secret, or None. Never put it into a message."""
        return self.optional(name)

    def parsed(self, name: str, parse: Callable[[str], T], default: str | None = None) -> T:
        """What `parse` makes of the variable, also of an empty one when there is a default.

        A ValueError of `parse` says what is wrong with the value.
        """
        raw = self.text(name) if default is None else self.variables.get(name, default)
        try:
            return parse(raw)
        except ValueError as error:
            raise _wrong(name, raw, str(error)) from None

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """One of some words."""
        raw = self.text(name, default)
        if raw not in choices:
            raise _wrong(name, raw, f"must be one of {', '.join(choices)}")
        return raw

    def flag(self, name: str) -> bool:
        """ "true" or "false"; False when it is not set."""
        return self.choice(name, ("true", "false"), "false") == "true"

    def integer(self, name: str, default: int | None = None, minimum: int = 1) -> int:
        """A whole number of at least `minimum`."""
        raw = self.text(name, None if default is None else str(default))
        try:
            value = int(raw)
        except ValueError:
            raise _wrong(name, raw, "must be a whole number") from None
        if value < minimum:
            raise _wrong(name, raw, f"must be at least {minimum}")
        return value

    def seconds(self, name: str, default: float) -> float:
        """A positive number of seconds."""
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise _wrong(name, raw, "must be a positive number of seconds")
        return value

    def milliseconds(self, name: str, default: str, minimum: int = 1) -> int:
        """A number of seconds, as whole milliseconds of at least `minimum`."""
        raw = self.text(name, default)
        try:
            value = Decimal(raw) * 1000
        except InvalidOperation:
            raise _wrong(name, raw, "must be a number of seconds") from None
        if not value.is_finite() or value != int(value) or value < minimum:
            raise _wrong(name, raw, f"must be at least {minimum / 1000:g} seconds, in whole milliseconds")
        return int(value)

    def address(self, name: str) -> Address:
        """A "host:port"."""
        raw = self.text(name)
        host, _, port = raw.rpartition(":")
        if not host or _PORT.fullmatch(port) is None:
            raise _wrong(name, raw, "must be host:port")
        return Address(host, int(port))

    @property
    def host(self) -> str:
        """The address under which other machines reach this task."""
        return self.text("HOST", "127.0.0.1")

    @property
    def bind_host(self) -> str:
        """The address to listen on, as `bind_host` says."""
        return bind_host(self.host)


def bind_host(host: str) -> str:
    """The address to listen on: loopback when `host` is that, else every interface.

    The agent's address may not exist inside a container, so a task can't always bind to it.
    """
    return host if host in LOOPBACK else "0.0.0.0"  # noqa: S104


def _wrong(name: str, raw: str, problem: str) -> SettingsError:
    shown = raw if len(raw) <= _SHOWN else raw[: _SHOWN - 1] + "…"
    return SettingsError(f"{name}={shown}: {problem}; {_CHANGE}")
