"""Secrets of the cluster that apps find in their environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from marathon.section import Section

Environment = dict[str, str | dict[str, str]]
"""Variables of an app: texts and references to secrets."""


class Secret(NamedTuple):
    """A secret: its name in an app's definition, the app's variable, and its path in the cluster, if any."""

    name: str
    variable: str
    path: str | None


class SecretSection(Section):
    """A section of the settings that names secrets."""

    def secrets_named(self) -> tuple[Secret, ...]:
        """The secrets; those without a path are not used."""
        raise NotImplementedError

    @property
    def environment(self) -> Environment:
        """What the apps that use them need in their environment."""
        return {each.variable: {"secret": each.name} for each in self.secrets_named() if each.path}

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        """The secrets that `environment` refers to, as an app definition declares them."""
        return {each.name: {"source": each.path} for each in self.secrets_named() if each.path}


class Logins(NamedTuple):
    """What an app needs to log in to several services, as in SecretSection."""

    environment: Environment
    secrets: dict[str, dict[str, str]]

    @classmethod
    def of(cls, sections: Iterable[SecretSection]) -> Logins:
        """The logins that these sections name."""
        sections = list(sections)
        return cls(
            {name: value for each in sections for name, value in each.environment.items()},
            {name: value for each in sections for name, value in each.secrets.items()},
        )
