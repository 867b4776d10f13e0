"""The errors of this package.

LocalDcosError
├── HomeError        the home of the cluster can't be used
├── StartError       the agent did not start
├── NotRunningError  the agent does not answer
├── LaunchError      a task can't be launched
│   ├── NoOfferError the machine lacks a resource now
│   └── SilentError  the agent does not answer in time
├── JarError         the jars of a package can't be downloaded
├── NodeError        the node of a package's service failed
├── AgentError       an agent of several can't be killed
└── ApiError         an HTTP error: a status and a JSON body
"""

from collections.abc import Mapping
from typing import Any


class LocalDcosError(Exception):
    """The root of these errors."""


class HomeError(LocalDcosError):
    """The home of the cluster can't be used."""


class StartError(LocalDcosError):
    """The agent did not start."""


class NotRunningError(LocalDcosError):
    """The agent does not answer."""


class LaunchError(LocalDcosError):
    """A task can't be launched. The text becomes the app's last task failure."""


class NoOfferError(LaunchError):
    """The machine lacks a resource for the task now. `reason` is Mesos' name for it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SilentError(LaunchError):
    """An agent does not answer in time, or has ended."""


class JarError(LocalDcosError):
    """The jars of a package can't be downloaded."""


class NodeError(LocalDcosError):
    """The node of a service can't be started, or it refused a request."""


class AgentError(LocalDcosError):
    """There is no such agent, or it can't be killed now."""


class ApiError(LocalDcosError):
    """An HTTP error: a status and a JSON body."""

    def __init__(self, status: int, message: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, **(body or {})}
