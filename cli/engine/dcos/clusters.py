"""Clusters and their links, through `dcos cluster`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.engine.dcos.faults import CommandMissing
from cli.engine.dcos.runner import Dcos
from cli.engine.surroundings import KnownCluster
from cli.errors import EngineError, NotFound, StepFailed
from cli.files import write_private

# The state of a linked cluster that is not set up on this machine.
_UNCONFIGURED = "UNCONFIGURED"
# What clients say if the cluster has no links: dcos 1.2.0, and dcoscli 0.6.1, whose usage lacks the command.
_NO_LINKS = ("inaccessible endpoint", "usage:", "http 404")


@dataclass(frozen=True)
class Neighbour:
    """Another cluster on this machine, for the configuration of the client."""

    id: str
    name: str
    url: str
    token: str = field(repr=False)


class DcosClusters:
    """What `dcos cluster` knows.

    neighbours: the clusters on this machine, the current one first. The client of a local cluster gets a
    configuration of its own with them in `folder`, because a link names a cluster that is set up.
    """

    def __init__(
        self,
        dcos: Dcos,
        *,
        folder: Path | None = None,
        neighbours: Callable[[], Sequence[Neighbour]] = tuple,
    ) -> None:
        self._neighbours = neighbours
        self._folder = folder
        self._dcos = dcos if folder is None else _with_folder(dcos, folder)

    def known(self) -> list[KnownCluster]:
        """The clusters in `dcos cluster list` that are set up."""
        return [_cluster(one) for one in self._listed() if one.get("status") != _UNCONFIGURED]

    def linked(self) -> list[KnownCluster]:
        """The clusters in `dcos cluster list --linked`; dcos 1.2.0 lacks that option, but lists links too."""
        self._configure()
        try:
            listed = self._dcos.json(["cluster", "list", "--linked", "--json"])
        except CommandMissing:
            listed = self._linked_without_option()
        except EngineError as error:
            if not any(mark in error.said.lower() for mark in _NO_LINKS):
                raise
            return []
        return [_cluster(one) for one in listed]

    def link(self, name: str) -> None:
        """Link the current cluster to one that is set up."""
        self._configure()
        self._change("link", name, verify_applied=lambda: name in self._names())

    def unlink(self, name: str) -> None:
        """Remove a link."""
        self._configure()
        self._change("unlink", name, verify_applied=lambda: name not in self._names())

    def _change(self, verb: str, name: str, *, verify_applied: Callable[[], bool]) -> None:
        try:
            self._dcos.change(["cluster", verb, name], verify_applied=verify_applied)
        except EngineError as error:
            said = error.said.lower()
            if "unknown cluster link" in said or "no link to the cluster" in said:
                raise NotFound(error.command, error.returncode, error.stdout, error.stderr) from None
            if isinstance(error, CommandMissing) or any(mark in said for mark in _NO_LINKS):
                raise StepFailed(
                    f"cannot {verb} {name}: this cluster, or this `dcos`, has no cluster links",
                    hint="links are part of DC/OS Enterprise 1.11 and later; a user needs the permission "
                    "dcos:adminrouter:ops:cluster-link full",
                ) from None
            raise

    def _names(self) -> set[str]:
        return {text for one in self.linked() for text in (one.id, one.name)}

    def _listed(self) -> list[dict[str, Any]]:
        self._configure()
        listed: list[dict[str, Any]] = self._dcos.json(["cluster", "list", "--json"])
        return listed

    def _linked_without_option(self) -> list[dict[str, Any]]:
        """The links as dcos 1.2.0 shows them: clusters that are not set up.

        So the command runs with a configuration in which only the current cluster is set up.
        """
        listed = self._listed()
        current = next((one for one in listed if one.get("attached")), None)
        if current is None:
            return [one for one in listed if one.get("status") == _UNCONFIGURED]
        own = self._dcos.environ.get("DCOS_DIR")
        file = Path(own or Path.home() / ".dcos") / "clusters" / current["cluster_id"] / "dcos.toml"
        with TemporaryDirectory(prefix="pipectl-") as folder:
            own_folder = Path(folder) / "clusters" / current["cluster_id"]
            own_folder.mkdir(parents=True)
            (own_folder / "dcos.toml").symlink_to(file)
            alone = _with_folder(self._dcos, Path(folder))
            shown: list[dict[str, Any]] = alone.json(["cluster", "list", "--json"])
        return [one for one in shown if one.get("status") == _UNCONFIGURED]

    def _configure(self) -> None:
        """Write the configuration of the clusters on this machine, as `dcos cluster setup` does."""
        if self._folder is None:
            return
        for number, one in enumerate(self._neighbours()):
            its_folder = self._folder / "clusters" / one.id
            its_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(
                its_folder / "dcos.toml",
                f'[core]\ndcos_url = "{one.url}"\ndcos_acs_token = "{one.token}"\nssl_verify = "false"\n'
                f'timeout = 20\n[cluster]\nname = "{one.name}"\n',
            )
            if number == 0:
                (its_folder / "attached").touch()


def _with_folder(dcos: Dcos, folder: Path) -> Dcos:
    return replace(dcos, environ={**dcos.environ, "DCOS_DIR": str(folder)})


def _cluster(one: dict[str, Any]) -> KnownCluster:
    version = one.get("version") or ""
    return KnownCluster(
        id=one["cluster_id"],
        name=one["name"],
        url=one["url"],
        # "UNKNOWN", or "N/A" of dcoscli.
        version=version if version[:1].isdigit() else None,
        current=bool(one.get("attached")),
    )
