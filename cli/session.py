"""One run of `pipectl` against one cluster: its settings, its rendered bundle, and the way to it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from cli import local
from cli.cluster import Cluster
from cli.dcos import Dcos
from cli.errors import UsageProblem
from cli.home import last_cluster
from marathon import Bundle, BundleError, Settings, load_settings, render

LOCAL = "local"


@dataclass(frozen=True)
class Session:
    """What the user asked for: a cluster, and settings on top of its own."""

    cluster_name: str
    files: tuple[Path, ...]
    overrides: tuple[str, ...]
    verbose: bool

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded cluster."""
        return self.cluster_name == LOCAL

    @cached_property
    def settings(self) -> Settings:
        """The merged and checked settings. Raises UsageProblem with every mistake."""
        machine = [local.settings_file()] if self.is_local and local.settings_file().exists() else []
        try:
            return load_settings(self.cluster_name, files=[*machine, *self.files], overrides=self.overrides)
        except BundleError as error:
            raise UsageProblem(str(error)) from None

    @cached_property
    def bundle(self) -> Bundle:
        """The rendered and checked app definitions. Raises UsageProblem with every mistake."""
        try:
            return render(self.settings)
        except BundleError as error:
            raise UsageProblem(str(error)) from None

    @cached_property
    def cluster(self) -> Cluster:
        """The way to the cluster. It must be up if it is local."""
        wanted = self.settings.dcos
        if self.is_local:
            argv = local.CLIENT if wanted.executable is None else (wanted.executable,)
            environ = local.client_environ()
        else:
            argv = (wanted.executable or "dcos",)
            # For this one process: the user's own attached cluster is not ours to change.
            environ = {**os.environ, **({"DCOS_CLUSTER": wanted.cluster} if wanted.cluster else {})}
        return Cluster(Dcos(tuple(argv), environ, wanted.timeout.total_seconds(), self._echo))

    def _echo(self, command: str) -> None:
        if self.verbose:
            click.secho(f"$ {command}", err=True, dim=True)


def session(
    cluster: str | None, files: Sequence[Path], overrides: Sequence[str], verbose: bool, *, reads_only: bool
) -> Session:
    """Choose the cluster: the one named, else the one deployed to last if this only reads, else `local`."""
    name = cluster or LOCAL
    if cluster is None and reads_only and (last := last_cluster()) and last != LOCAL:
        click.secho(f"cluster {last}: deployed to last; choose with --cluster", err=True, dim=True)
        name = last
    return Session(name, tuple(files), tuple(overrides), verbose)
