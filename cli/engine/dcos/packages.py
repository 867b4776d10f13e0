"""DC/OS packages."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from cli.engine.dcos.diff import document_diff
from cli.engine.dcos.runner import Dcos
from cli.engine.dcos.service_command import ServiceCommands, plan_argv
from cli.engine.dcos.snapshot import Snapshot
from cli.engine.dcos.waiting import queued, why_waiting
from cli.engine.protocol import AppStatus, Package, ServiceStatus
from cli.errors import NotFound, PipectlError


class _Apps(Protocol):
    def __call__(self, *, fresh: bool = False) -> Mapping[str, AppStatus]: ...


class DcosPackages:
    """Packages of the cluster's repositories."""

    def __init__(
        self, dcos: Dcos, commands: ServiceCommands, apps: _Apps, changed: Callable[[], None]
    ) -> None:
        """apps: reads the cluster's apps. changed: called after an installation."""
        self._dcos = dcos
        self._commands = commands
        self._apps = apps
        self._changed = changed
        self._installed: Snapshot[list[dict[str, Any]]] = Snapshot(
            lambda: dcos.json(["package", "list", "--json"])
        )

    def installed(self, package: str, service: str) -> Package | None:
        """The package that runs as this service. Other services of the same package do not count."""
        found = self._listed(package, service)
        return None if found is None else Package(found.get("version"))

    def options(self, service: str) -> Mapping[str, Any] | None:
        """The options in a label of the service's app."""
        app = self._apps().get(f"/{service.strip('/')}")
        return installed_options(app.observed if app else {})

    def check_offered(self, name: str, package: str, version: str | None) -> None:
        """Search the package repositories."""
        listed = self._dcos.json(["package", "repo", "list", "--json"])
        if not listed.get("repositories"):
            raise PipectlError(
                f"the cluster has no package repository, so {package} cannot be installed",
                hint="add one with `dcos package repo add Universe https://universe.mesosphere.com/repo`",
            )
        try:
            self._dcos.json(["package", "describe", *_pinned(version), package])
        except NotFound as error:
            raise PipectlError(
                f"no package repository has {package} {version or ''}: {error.said}",
                hint=f"`dcos package describe {package} --package-versions` lists the versions; "
                f"`--set {name}.version=…` chooses another",
            ) from None

    def install(self, package: str, version: str | None, service: str, options: Mapping[str, Any]) -> None:
        """Install a package. Its options are in a file that only this user can read."""
        with TemporaryDirectory(prefix="pipectl-") as folder:
            file = Path(folder) / "options.json"
            file.write_text(json.dumps(options))
            try:
                self._dcos.change(
                    ["package", "install", package, *_pinned(version), f"--options={file}", "--yes"],
                    # It may fail or hang after the installation, while it fetches the package's command.
                    verify_applied=lambda: self._listed(package, service, fresh=True) is not None,
                )
            finally:
                self._installed.forget()
                self._changed()

    def status(self, package: str, service: str) -> ServiceStatus:
        """The deploy plan."""
        return self._commands.of(package).status(service)

    def how_to_inspect(self, name: str, service: str) -> str:
        """The command of its deploy plan."""
        return f"dcos {' '.join(plan_argv(name, service))}"

    def why_waiting(self, service: str, options: Mapping[str, Any]) -> str:
        """The reasons in Marathon's launch queue, given the resources of one broker or node."""
        wanted = options.get("brokers") or options.get("nodes") or {}
        ports = {"portDefinitions": [{"port": wanted.get("port", 0)}]}
        return why_waiting(queued(self._dcos, f"/{service}"), {**wanted, **ports})

    def differences(self, wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[str]:
        """The diff of the options."""
        return document_diff(wanted, installed, "installed")

    def host_of(self, service: str, task: str) -> str:
        """The name in Mesos-DNS' zone of addresses of containers."""
        return f"{task}.{service.replace('/', '')}.autoip.dcos.thisdcos.directory"

    def how_to_update(self, name: str, service: str, version: str | None, *, options: bool) -> str:
        """There is no command that works on every DC/OS."""
        arguments = [f"--package-version={version}"] if version else []
        if options:
            arguments.append(f"--options=DIR/packages/{name}.json")
        return (
            "DC/OS Enterprise updates it with "
            f"`dcos {name} --name={service} update start {' '.join(arguments)}` "
            "(DIR is from `pipectl render --out DIR`); other clusters need a new installation, "
            "which deletes every topic"
        )

    def _listed(self, package: str, service: str, *, fresh: bool = False) -> Mapping[str, Any] | None:
        for each in self._installed.read(fresh=fresh):
            if each["name"] == package and f"/{service}" in (each.get("apps") or ()):
                return each
        return None


def installed_options(app: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The options that a package's app was installed with, from Cosmos's label.

    None before DC/OS 1.10, which has no such label.
    """
    label = app.get("labels", {}).get("DCOS_PACKAGE_OPTIONS")
    if label is None:
        return None
    try:
        options = json.loads(base64.b64decode(label))
    except ValueError:
        return None
    return options if isinstance(options, dict) else None


def _pinned(version: str | None) -> list[str]:
    return [f"--package-version={version}"] if version else []
