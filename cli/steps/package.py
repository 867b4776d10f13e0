"""The step of a package."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cli.engine.protocol import Engine, Package
from cli.errors import EngineError, NotAllowed, NotLoggedIn, PipectlError, UsageProblem
from cli.steps.base import Change, Report, State, wait_until


class PackageStep:
    """Installs a package, and waits until the deploy plan of its service is complete."""

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
        """address: host:port of the broker if the settings fix it; None if clients use a VIP."""
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
        """Look for the package under this service name. Its other services do not matter."""
        installed = self._installed()
        if installed is None:
            self._engine.packages.check_offered(self.name, self._package, self._version)
            wanted = f"{self._package} {self._version or '(newest)'} as service {self._service}"
            options = [f"+{line}" for line in json.dumps(self._options, indent=2).splitlines()]
            return Change("create", [f"+{wanted}", *options], summary=wanted)
        self._check_address()
        return self._drift(installed)

    def apply(self, change: Change) -> None:
        """Install the package."""
        if change.action == "create":
            self._engine.packages.install(self._package, self._version, self._service, self._options)

    def _drift(self, installed: Package) -> Change:
        """The differences of the installed package. They are only shown: not every DC/OS can update it."""
        diff, notes, other = [], [], []
        version = None if self._version == installed.version else self._version
        if version is not None:
            diff += [f"-{self._package} {installed.version}", f"+{self._package} {version}"]
        options = self._engine.packages.options(self._service)
        if options is None:
            notes.append("cannot read the options that it was installed with")
        else:
            other = self._engine.packages.differences(self._options, options)
            diff += other
        if diff:
            update = self._engine.packages.how_to_update(
                self.name, self._service, version, options=bool(other)
            )
            notes.append(f"is not changed. {update}")
        return Change("unchanged", diff, tuple(notes))

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: uninstalling the package would destroy the data on its volumes."""
        return None

    def _check_address(self) -> None:
        """Raise UsageProblem if the settings name an address that the installed broker does not have."""
        if self._address is None:
            return
        try:
            brokers = self._engine.kafka.brokers(self._service, retry=False)
        except PipectlError:
            return  # it does not run; the wait will report why
        if self._address not in brokers:
            raise UsageProblem(
                f"the broker of the installed service {self._service} is at {', '.join(brokers)}, but the "
                f"settings say {self._address}; an installed broker keeps its address",
                hint="restore kafka.port; on `local`, `pipectl destroy --purge` allows a new start",
            )

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the deploy plan is COMPLETE."""

        def complete() -> bool:
            state = self.state()
            self._seen = state.detail
            report(state.detail)
            return state.ready

        return wait_until(
            complete,
            what=f"the deploy plan of service {self._service} to be COMPLETE",
            timeout=self._timeout,
            stop=stop,
            hint=f"see `{self._engine.packages.how_to_inspect(self.name, self._service)}` and "
            f"`pipectl logs {self.name}`",
            last_seen=lambda: self._seen,
        )

    def state(self) -> State:
        """The status of the deploy plan, with its pending steps."""
        if self._installed() is None:
            return State(False, "absent", "not installed")
        try:
            service = self._engine.packages.status(self.name, self._service)
        except (NotLoggedIn, NotAllowed):
            raise
        except (EngineError, ValueError):
            return State(False, "starting", "the scheduler does not answer yet" + self._reasons())
        plan = "; ".join([f"deploy plan {service.status}", *service.pending[:2]])
        detail = "; ".join([plan, *(error for error in service.errors if error not in plan)])
        return State(service.complete, "healthy" if service.complete else service.status.lower(), detail)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: uninstalling the service would destroy its volumes and all data on them."""
        report("kept: it holds the topics" if self.name == "kafka" else "kept: it holds results")
        return False

    def _installed(self) -> Package | None:
        return self._engine.packages.installed(self._package, self._service)

    def _reasons(self) -> str:
        reasons = self._engine.packages.why_waiting(self._service, self._options)
        return f", {reasons}" if reasons else ""
