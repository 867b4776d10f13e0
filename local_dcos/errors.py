"""Every error this room raises on purpose.

LocalDcosError
├── HomeError        the state folder can't be used
├── StartError       the agent did not come up
├── NotRunningError  the agent does not answer
├── LaunchError      a task can't be started
│   └── NoOfferError the machine has no room for it now
├── JarError         the Kafka jars can't be had
├── BrokerError      the broker can't be started or asked
└── ApiError         what an HTTP caller is told: a status and a JSON body
"""

from collections.abc import Mapping
from typing import Any


class LocalDcosError(Exception):
    """Root of this room's errors. `exit_code` is what the command line ends with."""

    exit_code = 1


class HomeError(LocalDcosError):
    """The state folder can't be used."""


class StartError(LocalDcosError):
    """The agent did not come up."""


class NotRunningError(LocalDcosError):
    """The agent does not answer."""


class LaunchError(LocalDcosError):
    """A task can't be started. The text becomes the app's last task failure."""


class NoOfferError(LaunchError):
    """The machine has no room for the task now; `reason` is Mesos' word for what is missing."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class JarError(LocalDcosError):
    """The Kafka jars can't be had."""


class BrokerError(LocalDcosError):
    """The broker can't be started or asked."""


class ApiError(LocalDcosError):
    """What an HTTP caller is told: a status and a JSON body."""

    def __init__(self, status: int, message: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, **(body or {})}
