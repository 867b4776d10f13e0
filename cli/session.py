"""One run of `pipectl` against one cluster: its settings, its rendered bundle and its engine."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click

from cli import hints, local, options
from cli.catalogue import load_settings
from cli.engine.dcos import connect
from cli.engine.protocol import Engine
from cli.errors import PipectlError, UsageProblem
from cli.home import enter, is_implied, last_cluster
from cli.kafka_login import login_to_kafka
from kafka_topic.security import use
from marathon import Bundle, BundleError, Problem, Settings, render
from marathon.home import LOCAL, is_local


@dataclass(frozen=True)
class Session:
    """The cluster that the user chose, and the settings on top of its own.

    with_parts: the enabled optional parts that the settings do not name. area: the area of the bundle.
    """

    cluster_name: str
    files: tuple[Path, ...]
    overrides: tuple[str, ...]
    verbose: bool
    with_parts: frozenset[str] = frozenset()
    area: str | None = None
    stop: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    _warned: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is an embedded cluster on this machine."""
        return is_local(self.cluster_name)

    @property
    def option(self) -> str:
        """The options that select this cluster and area, for the commands in hints."""
        cluster = "" if is_implied(self.cluster_name) else f" --cluster {self.cluster_name}"
        return cluster if self.area is None else f"{cluster} --area {self.area}"

    def complete(self, text: str) -> str:
        """Let the `pipectl` commands in a text mean this cluster and this area."""
        return hints.complete(text, self.cluster_name, self.area)

    @contextmanager
    def complete_hints(self) -> Iterator[None]:
        """Complete the hint of an error."""
        try:
            yield
        except PipectlError as error:
            error.hint = error.hint and self.complete(error.hint)
            raise

    @property
    def label(self) -> str:
        """The cluster and the area, for messages."""
        return self.cluster_name if self.area is None else f"{self.cluster_name}, area {self.area}"

    @cached_property
    def settings(self) -> Settings:
        """The merged and checked settings. Raises UsageProblem, which lists every error."""
        machine = local.settings_files(self.area) if self.is_local else []
        try:
            settings = load_settings(
                self.cluster_name,
                files=[*machine, *self.files],
                overrides=self.overrides,
                warn=self.warn,
                area=self.area,
            )
        except BundleError as error:
            raise UsageProblem(str(error)) from None
        self._log_in_to_kafka(settings, settings.kafka.security.protocol)
        return settings

    def log_in_to_kafka(self, protocol: str) -> None:
        """Let this process's clients of Kafka speak `protocol`, whatever the settings say."""
        self._log_in_to_kafka(self.settings, protocol)

    def _log_in_to_kafka(self, settings: Settings, protocol: str) -> None:
        # One process works with one cluster. Files are read when the first client is made.
        folder = local.secrets_folder() if self.is_local else None
        use(login_to_kafka(settings.kafka.security.model_copy(update={"protocol": protocol}), folder))

    @cached_property
    def bundle(self) -> Bundle:
        """The rendered and checked app definitions. Raises UsageProblem, which lists every error."""
        try:
            return render(self.settings, with_parts=self.with_parts)
        except BundleError as error:
            raise UsageProblem(str(error)) from None

    @cached_property
    def engine(self) -> Engine:
        """The engine that runs the cluster. The local cluster must be up."""
        return connect(
            self.settings.dcos,
            local.address() if self.is_local else None,
            neighbours=local.neighbours,
            echo=self._echo,
            stop=self.stop,
        )

    def warn(self, problem: Problem | str) -> None:
        """Print a warning on stderr, each once: a session that replaces another loads the settings again."""
        if (text := str(problem)) not in self._warned:
            self._warned.add(text)
            click.secho(f"warning: {text}", fg="yellow", err=True)

    def _echo(self, line: str) -> None:
        if self.verbose:
            click.secho(line, err=True, dim=True)


def session(
    cluster: str | None,
    files: Sequence[Path],
    overrides: Sequence[str],
    verbose: bool,
    *,
    reads_only: bool,
    area: str | None = None,
) -> Session:
    """Open a session on `cluster`.

    Without one, a command that only reads uses the cluster of the last deploy; any other uses `local`.
    """
    name = cluster or LOCAL
    if cluster is None and reads_only and (last := last_cluster()) and last != LOCAL:
        click.secho(f"cluster {last} (from the last deploy; choose with --cluster)", err=True, dim=True)
        name = last
    enter(name)
    return Session(name, tuple(files), (*overrides, *options.dcos_override()), verbose, area=area)
