"""Compares the wanted accounts with the cluster; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cli.accounts.wanted import Wanted, wanted
from cli.engine.accounts import Right
from cli.engine.protocol import Engine
from cli.service_account import ServiceAccount
from marathon import Settings

Action = Literal["create", "update", "unchanged"]


@dataclass(frozen=True)
class Entry:
    """A wanted group, person or service account, and how it differs.

    rights, groups: what it lacks. has_secret: whether the secret of a service account exists. besides: what
    it has without the settings naming it. blocked: why it cannot be created.
    """

    wanted: Wanted
    exists: bool
    has_secret: bool
    rights: tuple[Right, ...]
    groups: tuple[str, ...]
    besides: tuple[str, ...]
    blocked: str | None

    @property
    def action(self) -> Action:
        """What `apply` does."""
        if not self.exists:
            return "create"
        return "update" if self.missing else "unchanged"

    @property
    def missing(self) -> list[str]:
        """What it lacks, for people."""
        secret = [] if self.has_secret else [f"secret {self.wanted.secret}"]
        return [*secret, *(f"in group {name}" for name in self.groups), *map(str, self.rights)]


@dataclass(frozen=True)
class AccountsPlan:
    """The entries in order. others: accounts of services in our areas that the settings do not name."""

    entries: Sequence[Entry]
    others: Sequence[str]

    @property
    def changed(self) -> list[Entry]:
        """The entries that `apply` changes."""
        return [entry for entry in self.entries if entry.action != "unchanged"]

    def document(self) -> dict[str, Any]:
        """The plan as a JSON document."""
        return {
            "changed": bool(self.changed),
            "accounts": [
                {
                    "kind": entry.wanted.kind,
                    "name": entry.wanted.name,
                    "action": entry.action,
                    "missing": entry.missing,
                    "not_in_settings": list(entry.besides),
                    "blocked": entry.blocked,
                }
                for entry in self.entries
            ],
            "not_in_settings": list(self.others),
        }


def plan_of(settings: Settings, engine: Engine, keys: Path, report: Callable[[str], None]) -> AccountsPlan:
    """Compare all wanted accounts with the cluster. keys: the folder of keys that no account has yet.

    Raises NoAccounts on open DC/OS, and UsageProblem if the settings contradict themselves.
    """
    accounts = engine.accounts
    every = wanted(settings, accounts)
    report("reading accounts")
    existing = {
        "service account": accounts.services(),
        "group": accounts.groups(),
        "user": accounts.users(),
    }
    members = {
        one.name: accounts.members(one.name)
        for one in every
        if one.kind == "group" and one.name in existing["group"]
    }
    entries = []
    for one in every:
        report(f"comparing {one.kind} {one.name}")
        exists = one.name in existing[one.kind]
        has = accounts.rights(one.principal, one.name) if exists and one.kind != "user" else set()
        has_secret = one.secret is None or engine.secrets.has_secret(one.secret)
        besides = [str(right) for right in sorted(has - set(one.rights))]
        if one.kind == "group":
            ours = {each.name for each in every if one.name in each.groups}
            besides += [f"member {name}" for name in sorted(members.get(one.name, set()) - ours)]
        error = None
        if one.secret is not None:
            error = service_account(one.name, one.secret, settings, keys).unmatched(
                engine.secrets, has_secret=has_secret, has_account=exists
            )
        entries.append(
            Entry(
                one,
                exists,
                has_secret,
                tuple(right for right in one.rights if right not in has),
                tuple(group for group in one.groups if one.name not in members.get(group, ())),
                tuple(besides),
                None if error is None else f"{error.message}; {error.hint}",
            )
        )
    prefixes = tuple(f"{area}-" for area in settings.accounts.areas)
    named = {one.name for one in every if one.kind == "service account"}
    others = sorted(
        name for name in existing["service account"] - named if prefixes and name.startswith(prefixes)
    )
    return AccountsPlan(entries, others)


def service_account(name: str, secret: str, settings: Settings, keys: Path) -> ServiceAccount:
    """How a service's account and secret are created."""
    return ServiceAccount(
        name, secret, "A service of the bundle, created by pipectl", settings.security.strict, keys
    )
