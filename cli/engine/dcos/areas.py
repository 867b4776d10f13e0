"""Areas: Marathon groups that enforce their role, and the quota of that role.

`dcos quota` sets limits. Mesos' own API promises resources, and also serves clusters before DC/OS 2.0, which
have no `dcos quota`: there, a quota is a promise and a limit at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from cli.engine.dcos.faults import CommandMissing
from cli.engine.dcos.mesos import Mesos
from cli.engine.dcos.runner import Dcos
from cli.engine.surroundings import AreaStatus, Quota
from cli.errors import NotFound, PipectlError

# `dcos quota` has options of its own names.
_OPTIONS = {"cpus": "--cpu", "mem": "--mem"}


class DcosAreas:
    """The areas of a cluster. mesos: opens its API."""

    def __init__(self, dcos: Dcos, mesos: Callable[[], Mesos]) -> None:
        self._dcos = dcos
        self._mesos = mesos

    def all(self) -> dict[str, AreaStatus]:
        """The groups at the top level that enforce their role, or whose role has a quota."""
        groups = self._dcos.json(["marathon", "group", "list", "--json"])
        quotas = self._quotas()
        found = {}
        for group in groups:
            name = group["id"].strip("/")
            if group.get("enforceRole") or name in quotas:
                found[name] = _status(name, quotas.get(name, {}))
        return found

    def put(self, name: str, quota: Quota) -> None:
        """Add or change the group, then the quota if it differs."""
        groups = {group["id"]: group for group in self._dcos.json(["marathon", "group", "list", "--json"])}
        group = groups.get(f"/{name}")
        if group is None:
            self._change(
                ["marathon", "group", "add"],
                {"id": f"/{name}", "enforceRole": True},
                lambda: name in self.all(),
            )
        elif not group.get("enforceRole"):
            self._change(
                ["marathon", "group", "update", f"/{name}"], {"enforceRole": True}, lambda: name in self.all()
            )
        before = _status(name, self._quotas().get(name, {})).quota
        if before != quota:
            self._set_quota(name, before, quota)

    def delete(self, name: str) -> None:
        """Remove the group with its apps, then the quota of its role."""
        had = _status(name, self._quotas().get(name, {})).quota
        with suppress(NotFound):  # only its quota is left
            self._change(
                ["marathon", "group", "remove", "--force", f"/{name}"],
                None,
                lambda: f"/{name}" not in self._ids(),
            )
        if had != Quota():
            self._remove_quota(name)

    def _ids(self) -> set[str]:
        return {group["id"] for group in self._dcos.json(["marathon", "group", "list", "--json"])}

    def _set_quota(self, name: str, before: Quota, quota: Quota) -> None:
        wanted = {"cpus": quota.cpus, "mem": quota.mem}
        limits = {key: value for key, value in wanted.items() if value is not None}
        had, old = {"cpus": before.cpus, "mem": before.mem}, before
        # A limit cannot be taken away alone, and a promise cannot be changed.
        is_narrower = any(had[key] is not None and wanted[key] is None for key in wanted)
        if before.promised or quota.promised or is_narrower:
            if before != Quota():
                self._remove_quota(name)
            before = Quota()
        if not limits:
            return
        if quota.promised:
            try:
                self._mesos().promise(name, limits)
            except PipectlError:
                # The cluster does not have that much. Without its old quota, the area would have no limit.
                if old != Quota():
                    self._set_quota(name, Quota(), old)
                raise
            return
        verb = "create" if before == Quota() else "update"
        options = [f"{_OPTIONS[key]}={value:g}" for key, value in limits.items()]
        try:
            self._dcos.change(
                ["quota", verb, name, *options],
                verify_applied=lambda: _status(name, self._quotas().get(name, {})).quota == quota,
            )
        except CommandMissing:
            mesos = self._mesos()
            if verb == "update":
                mesos.remove(name)
            mesos.promise(name, limits)

    def _remove_quota(self, name: str) -> None:
        try:
            self._dcos.change(["quota", "delete", name], verify_applied=lambda: name not in self._quotas())
        except CommandMissing:
            self._mesos().remove(name)

    def _quotas(self) -> Mapping[str, Mapping[str, Any]]:
        """`limit`, `guarantee` and `consumed` of each role that has a quota."""
        try:
            listed = self._dcos.json(["quota", "list", "--json"]) or []
        except CommandMissing:
            return self._mesos().promises()
        # A role whose quota was deleted may stay in the list, without limits.
        return {one["role"]: one for one in listed if one.get("limit") or one.get("guarantee")}

    def _change(
        self, args: list[str], document: Mapping[str, Any] | None, applied: Callable[[], bool]
    ) -> None:
        stdin = None if document is None else json.dumps(document)
        self._dcos.change(args, stdin=stdin, verify_applied=applied)


def _status(name: str, quota: Mapping[str, Any]) -> AreaStatus:
    guarantee, limit = quota.get("guarantee") or {}, quota.get("limit") or {}
    most = {**guarantee, **limit}
    used = quota.get("consumed")
    return AreaStatus(
        name,
        Quota(most.get("cpus"), most.get("mem"), promised=bool(guarantee)),
        None if used is None else used.get("cpus", 0.0),
        None if used is None else used.get("mem", 0.0),
    )
