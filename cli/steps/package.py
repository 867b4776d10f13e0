"""The Kafka package as a step."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cli.engine.protocol import Engine, Package
from cli.errors import EngineError, NotAllowed, NotLoggedIn, PipectlError, UsageProblem
from cli.steps.base import Change, Report, State, wait_until


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
        engine: Engine,
        *,
        timeout: timedelta,
        address: str | None = None,
        depends_on: frozenset[str] = frozenset(),
    ) -> None:
        """`address`: host:port of the broker where it is settled; None where clients use a VIP."""
        self._address = address
        self.name = name
        self.depends_on = depends_on
        self._package = package
        self._version = version
        self._service = service
        self._options = options
        self._engine = engine
        self._timeout = timeout
        self._seen = ""

    def plan(self) -> Change:
        """Look for the package under this service name; another service of the same package is not ours."""
        installed = self._installed()
        if installed is None:
            self._engine.packages.check_offered(self._package, self._version)
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
            self._engine.packages.install(self._package, self._version, self._service, self._options)

    def _drift(self, installed: Package) -> Change:
        """How the installed package differs, which is shown: there is no way to change it on every DC/OS."""
        diff, notes, other = [], [], []
        version = None if self._version == installed.version else self._version
        if version is not None:
            diff += [f"-{self._package} {installed.version}", f"+{self._package} {version}"]
        options = self._engine.packages.options(self._service)
        if options is None:
            notes.append("the options it was installed with cannot be read")
        else:
            other = self._engine.packages.differences(self._options, options)
            diff += other
        if diff:
            update = self._engine.packages.how_to_update(
                self.name, self._service, version, options=bool(other)
            )
            notes.append(f"is left as it is. {update}")
        return Change("unchanged", diff, tuple(notes))

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: what was installed stays, as uninstalling would destroy what is on its volumes."""
        return None

    def _check_address(self) -> None:
        """Refuse settings that would lead every app to where no broker of the installed service is."""
        if self._address is None:
            return
        try:
            there = self._engine.kafka.brokers(self._service, retry=False)
        except PipectlError:
            return  # it does not run now; the wait for it says why
        if self._address not in there:
            raise UsageProblem(
                f"service {self._service} is installed and its broker is at {', '.join(there)}, "
                f"but the settings say {self._address}: an installed broker does not move",
                hint="leave kafka.port as it was; on `local`, `pipectl destroy --purge` starts anew",
            )

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait for the deploy plan to be COMPLETE."""

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
            hint=f"see `{self._engine.how_to_inspect('service', self._service)}` and "
            f"`pipectl logs {self.name}`",
            last_seen=lambda: self._seen,
        )

    def state(self) -> State:
        """The status of the deploy plan, with the steps that are not done."""
        if self._installed() is None:
            return State(False, "absent", "not installed")
        try:
            service = self._engine.kafka.status(self._service)
        except (NotLoggedIn, NotAllowed):
            raise
        except (EngineError, ValueError):
            return State(False, "starting", "the scheduler does not answer yet" + self._reasons())
        told = "; ".join([f"deploy plan {service.status}", *service.pending[:2]])
        detail = "; ".join([told, *(error for error in service.errors if error not in told)])
        return State(service.complete, "healthy" if service.complete else service.status.lower(), detail)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: uninstalling the service would destroy its volumes, and every topic on them."""
        report("kept: it holds the topics")
        return False

    def _installed(self) -> Package | None:
        return self._engine.packages.installed(self._package, self._service)

    def _reasons(self) -> str:
        reasons = self._engine.packages.why_waiting(self._service, self._options)
        return f", {reasons}" if reasons else ""
