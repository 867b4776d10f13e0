"""One run of `pipectl` against one cluster: its settings, its rendered bundle, and the way to it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click

from cli import local, options
from cli.catalogue import load_settings
from cli.engine.dcos import connect
from cli.engine.protocol import Engine
from cli.errors import UsageProblem
from cli.home import last_cluster
from marathon import Bundle, BundleError, Settings, render

LOCAL = "local"


@dataclass(frozen=True)
class Session:
    """What the user asked for: a cluster, and settings on top of its own.

    with_parts: optional parts that are switched on beside those of the settings.
    """

    cluster_name: str
    files: tuple[Path, ...]
    overrides: tuple[str, ...]
    verbose: bool
    with_parts: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded cluster."""
        return self.cluster_name == LOCAL

    @property
    def option(self) -> str:
        """What a command of a hint needs to mean this cluster."""
        return "" if self.is_local else f" --cluster {self.cluster_name}"

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
            return render(self.settings, with_parts=self.with_parts)
        except BundleError as error:
            raise UsageProblem(str(error)) from None

    @cached_property
    def engine(self) -> Engine:
        """The engine that runs the cluster. It must be up if it is local."""
        return connect(
            self.settings.dcos,
            local.address() if self.is_local else None,
            echo=self._echo,
            stop=self.stop,
        )

    def _echo(self, line: str) -> None:
        if self.verbose:
            click.secho(line, err=True, dim=True)


def session(
    cluster: str | None, files: Sequence[Path], overrides: Sequence[str], verbose: bool, *, reads_only: bool
) -> Session:
    """Choose the cluster: the one named, else the one deployed to last if this only reads, else `local`."""
    name = cluster or LOCAL
    if cluster is None and reads_only and (last := last_cluster()) and last != LOCAL:
        click.secho(f"cluster {last}: deployed to last; choose with --cluster", err=True, dim=True)
        name = last
    return Session(name, tuple(files), (*overrides, *options.dcos_override()), verbose)
