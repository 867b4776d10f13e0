"""The command of a package, such as `dcos kafka`. It is installed if this machine lacks it."""

import json
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from cli.engine.dcos.faults import CommandMissing
from cli.engine.dcos.runner import Dcos
from cli.engine.protocol import ServiceStatus

T = TypeVar("T")


class ServiceCommand:
    """The command of one package, which is also its name."""

    def __init__(self, dcos: Dcos, package: str) -> None:
        self._dcos = dcos
        self._package = package
        self._installing = threading.Lock()

    def run(self, args: Sequence[str], *, retry: bool = True) -> str:
        """The output of a command that only reads."""
        return self._with_command(lambda: self._dcos.run(args, retry=retry))

    def change(self, args: Sequence[str], *, verify_applied: Callable[[], bool]) -> None:
        """Run a command that changes something."""
        self._with_command(lambda: self._dcos.change(args, verify_applied=verify_applied))

    def status(self, service: str) -> ServiceStatus:
        """The deploy plan of a service. The command's exit code does not reflect it."""
        plan = json.loads(self.run(plan_argv(self._package, service), retry=False))
        pending = [
            f"{step['name']} {step['status']}" + (f" ({step['message']})" if step.get("message") else "")
            for phase in plan.get("phases", [])
            for step in phase.get("steps", [])
            if step.get("status") != "COMPLETE"
        ]
        return ServiceStatus(
            str(plan.get("status", "UNKNOWN")), pending, [str(error) for error in plan.get("errors", [])]
        )

    def _with_command(self, run: Callable[[], T]) -> T:
        try:
            return run()
        except CommandMissing:
            pass
        with self._installing:
            try:
                return run()  # another thread may have installed it meanwhile
            except CommandMissing:
                pass
            # It is safe to repeat, and the cluster does not show whether it worked.
            install = ["package", "install", self._package, "--cli", "--yes"]
            self._dcos.change(install, verify_applied=lambda: False)
        return run()


class ServiceCommands:
    """The command of each package. There is one of each, so that it is installed once."""

    def __init__(self, dcos: Dcos) -> None:
        self._dcos = dcos
        self._made: dict[str, ServiceCommand] = {}

    def of(self, package: str) -> ServiceCommand:
        """The command of a package."""
        # Of two threads, the first one's counts.
        return self._made.setdefault(package, ServiceCommand(self._dcos, package))


def plan_argv(package: str, service: str) -> list[str]:
    """Arguments of the `dcos` command that prints the deploy plan."""
    return [package, f"--name={service}", "plan", "status", "deploy", "--json"]
