"""The Kafka package as a step."""

import base64
import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cli.cluster import Cluster
from cli.diff import document_diff
from cli.errors import DcosError, NotAllowed, NotLoggedIn, NotThere, PipectlError, UsageProblem
from cli.steps.base import Change, Report, State, wait_until
from cli.steps.waiting import why_waiting


class PackageStep:
    """Installs a package, and waits until its service has carried out its deploy plan."""

    kind = "package"

    def __init__(
        self,
        name: str,
        package: str,
        version: str | None,
        service: str,
        options: Mapping[str, Any],
        cluster: Cluster,
        *,
        timeout: timedelta,
        address: str | None = None,
        needs: frozenset[str] = frozenset(),
    ) -> None:
        """`address`: host:port of the broker where it is settled; None where clients use a VIP."""
        self._address = address
        self.name = name
        self.needs = needs
        self._package = package
        self._version = version
        self._service = service
        self._options = options
        self._cluster = cluster
        self._timeout = timeout
        self._seen = ""

    def plan(self) -> Change:
        """Look for the package under this service name; another service of the same package is not ours."""
        installed = self._installed()
        if installed is None:
            self._check_offered()
            wanted = [f"+{self._package} {self._version or '(newest)'} as service {self._service}"]
            return Change(
                "create",
                [*wanted, *(f"+{line}" for line in json.dumps(self._options, indent=2).splitlines())],
            )
        self._check_address()
        return self._drift(installed)

    def apply(self, change: Change) -> None:
        """Install the package."""
        if change.action == "create":
            self._cluster.install_package(
                self._package,
                self._version,
                self._options,
                # It can fail, or hang, after the app is installed: when it fetches the package's command.
                took=lambda: self._installed() is not None,
            )

    def _drift(self, installed: Mapping[str, Any]) -> Change:
        """How the installed package differs, which is shown: there is no way to change it on every DC/OS."""
        diff, notes, arguments = [], [], []
        version = installed.get("version")
        if self._version is not None and version != self._version:
            diff += [f"-{self._package} {version}", f"+{self._package} {self._version}"]
            arguments.append(f"--package-version={self._version}")
        options = installed_options(self._cluster.apps().get(f"/{self._service.strip('/')}", {}))
        if options is None:
            notes.append("the options it was installed with cannot be read")
        elif other := document_diff(self._options, options, "installed"):
            diff += other
            arguments.append("--options=DIR/packages/kafka.json")
        if diff:
            notes.append(
                "is left as it is. DC/OS Enterprise changes it with "
                f"`dcos kafka --name={self._service} update start {' '.join(arguments)}` "
                "(DIR of `pipectl render --out DIR`); elsewhere only a new installation does, "
                "which loses every topic"
            )
        return Change("unchanged", diff, tuple(notes))

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: what was installed stays, as uninstalling would destroy what is on its volumes."""
        return None

    def _check_address(self) -> None:
        """Refuse settings that would lead every app to where no broker of the installed service is."""
        if self._address is None:
            return
        try:
            there = broker_addresses(self._cluster, self._service, retry=False)
        except PipectlError:
            return  # it does not run now; the wait for it says why
        if self._address not in there:
            raise UsageProblem(
                f"service {self._service} is installed and its broker is at {', '.join(there)}, "
                f"but the settings say {self._address}: an installed broker does not move",
                hint="leave kafka.port as it was; on `local`, `pipectl destroy --purge` starts anew",
            )

    def _check_offered(self) -> None:
        if not self._cluster.repositories():
            raise PipectlError(
                f"the cluster knows no package repository, so {self._package} cannot be installed",
                hint="add one with `dcos package repo add Universe https://universe.mesosphere.com/repo`",
            )
        try:
            self._cluster.check_package(self._package, self._version)
        except NotThere as error:
            raise PipectlError(
                f"no package repository has {self._package} {self._version or ''}: {error.said}",
                hint=f"`dcos package describe {self._package} --package-versions` lists what there is; "
                "`--set kafka.version=…` chooses another",
            ) from None

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait for the deploy plan to be COMPLETE: the command's exit code says nothing of that."""

        def complete() -> bool:
            state = self.state()
            self._seen = state.detail
            report(state.detail)
            return state.ready

        wait_until(
            complete,
            what=f"the deploy plan of service {self._service} to be COMPLETE",
            timeout=self._timeout,
            stop=stop,
            hint=f"see `dcos {' '.join(plan_argv(self._service))}` and `pipectl logs {self.name}`",
            last_seen=lambda: self._seen,
        )

    def state(self) -> State:
        """The status of the deploy plan, with the steps that are not done."""
        if self._installed() is None:
            return State(False, "absent", "not installed")
        try:
            plan = json.loads(self._cluster.kafka(plan_argv(self._service), retry=False))
        except (NotLoggedIn, NotAllowed):
            raise
        except (DcosError, ValueError):
            return State(False, "starting", "the scheduler does not answer yet" + self._reasons())
        status = str(plan.get("status", "UNKNOWN"))
        pending = [
            f"{step['name']} {step['status']}" + (f" ({step['message']})" if step.get("message") else "")
            for phase in plan.get("phases", [])
            for step in phase.get("steps", [])
            if step.get("status") != "COMPLETE"
        ]
        told = "; ".join([f"deploy plan {status}", *pending[:2]])
        errors = [str(error) for error in plan.get("errors", []) if str(error) not in told]
        detail = "; ".join([told, *errors])
        return State(status == "COMPLETE", "healthy" if status == "COMPLETE" else status.lower(), detail)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: uninstalling the service would destroy its volumes, and every topic on them."""
        report("kept: it holds the topics")
        return False

    def _installed(self) -> Mapping[str, Any] | None:
        for package in self._cluster.packages():
            if package["name"] == self._package and f"/{self._service}" in (package.get("apps") or ()):
                return package
        return None

    def _reasons(self) -> str:
        wanted = self._options.get("brokers", {})
        ports = {"portDefinitions": [{"port": wanted.get("port", 0)}]}
        reasons = why_waiting(self._cluster.queued(f"/{self._service}"), {**wanted, **ports})
        return f", {reasons}" if reasons else ""


def installed_options(app: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The options that a package's app was installed with, out of the label where Cosmos keeps them.

    None before DC/OS 1.10, which knows no such label.
    """
    label = app.get("labels", {}).get("DCOS_PACKAGE_OPTIONS")
    if label is None:
        return None
    try:
        options = json.loads(base64.b64decode(label))
    except ValueError:
        return None
    return options if isinstance(options, dict) else None


def plan_argv(service: str) -> list[str]:
    """Arguments of the `dcos` command that prints the deploy plan."""
    return ["kafka", f"--name={service}", "plan", "status", "deploy", "--json"]


def broker_addresses(cluster: Cluster, service: str, *, retry: bool = True) -> list[str]:
    """`host:port` of every broker. Newer services have the endpoint `broker`, old ones only `connection`."""
    try:
        answer = cluster.kafka(["kafka", f"--name={service}", "endpoints", "broker"], retry=retry)
    except (NotLoggedIn, NotAllowed):
        raise
    except DcosError as first:
        try:
            answer = cluster.kafka(["kafka", f"--name={service}", "connection"], retry=retry)
        except DcosError:
            # The newer command's error is the one that means something.
            raise first from None
    try:
        found = json.loads(answer)
        return list(found.get("address") or found["dns"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PipectlError(
            f"service {service} has no broker endpoint: {answer.strip()}",
            hint=f"see `dcos kafka --name={service} endpoints` and `dcos {' '.join(plan_argv(service))}`",
        ) from None
