"""The errors of `pipectl` and their exit codes.

PipectlError            1  something failed
├── EngineError         1  a command of the engine failed
│   ├── ClientMissing   1  the command-line client cannot be run
│   ├── ClientTimeout   3  a command did not answer in time
│   ├── NotLoggedIn     1  401
│   ├── NotAllowed      1  403
│   ├── NotFound        1  404
│   ├── AlreadyExists   1  409: it already exists
│   ├── Conflict        1  409: another deployment is in progress
│   ├── Invalid         1  400, 422: the request is invalid
│   └── Unreachable     1  5xx, connection refused, no answer
├── StepFailed          1  a component keeps failing
├── Superseded          1  another deploy has changed the bundle
├── NoAccounts          1  the cluster has no accounts of services, groups and rights
├── NoBackend           3  neither the brokers nor the live page answer
├── UsageProblem        2  invalid arguments or settings
├── WaitTimeout         3  a wait timed out
├── Unhealthy           4  a component or position is unhealthy
└── Interrupted       130  Ctrl-C
"""

from collections.abc import Sequence
from typing import IO, Any, ClassVar

import click


class PipectlError(click.ClickException):
    """The base class of every error that `pipectl` shows: a message and, if known, the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.also: str | None = None
        """What `pipectl` did after the error."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message and the next step on stderr."""
        click.secho(f"error: {self.format_message()}", fg="red", err=True, file=file)
        if self.also:
            click.secho(f"       {self.also}", err=True, file=file)
        if self.hint:
            click.secho(f"next:  {self.hint}", err=True, file=file)


class EngineError(PipectlError):
    """A command of the engine failed. Both outputs are kept, since some clients write errors to stdout.

    cause: the cause in a few words. transient: whether a retry may succeed. not_applied: whether the command
    certainly changed nothing. details: the invalid keys of the input, and why.
    """

    cause: ClassVar[str | None] = None
    transient: ClassVar[bool] = False
    not_applied: ClassVar[bool] = False

    def __init__(
        self,
        command: Sequence[str],
        returncode: int | None,
        stdout: str,
        stderr: str,
        *,
        hint: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        self.command = tuple(command)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        self.details = tuple(details)
        super().__init__(self._text(), hint=hint)

    @property
    def said(self) -> str:
        """The output of the command, errors first."""
        return "\n".join(part for part in (self.stderr.strip(), self.stdout.strip()) if part)

    def _text(self) -> str:
        cause, shown = f"{self.cause}: " if self.cause else "", " ".join(self.command)
        if self.details:
            return f"{cause}`{shown}`: {'; '.join(self.details)}"
        return f"{cause}`{shown}` ended with exit code {self.returncode}: {self.said or 'no output'}"


class ClientMissing(EngineError):
    """The executable is missing or cannot be run."""

    not_applied = True

    def _text(self) -> str:
        return f"cannot run `{self.command[0]}`: {self.said}"


class ClientTimeout(EngineError):
    """The command was killed after the timeout of one call."""

    exit_code = 3
    transient = True

    def _text(self) -> str:
        return f"`{' '.join(self.command)}` did not answer in time: {self.said}"


class NotLoggedIn(EngineError):
    """The cluster does not accept the user's login."""

    cause = "not logged in (401)"
    not_applied = True


class NotAllowed(EngineError):
    """The user lacks a permission."""

    cause = "not allowed (403)"
    not_applied = True


class NotFound(EngineError):
    """The object does not exist."""

    cause = "not found (404)"
    not_applied = True


class AlreadyExists(EngineError):
    """The object to create already exists."""

    cause = "it already exists (409)"


class Conflict(EngineError):
    """Another deployment of the app is in progress."""

    cause = "another deployment is in progress (409)"
    transient = True
    not_applied = True


class Invalid(EngineError):
    """The cluster rejects the request as invalid; `details` lists the keys."""

    cause = "the cluster rejects the request as invalid"
    not_applied = True


class Unreachable(EngineError):
    """The cluster or one of its services does not answer; a retry may succeed."""

    cause = "the cluster does not answer"
    transient = True


class StepFailed(PipectlError):
    """A component was applied but keeps failing."""


class Superseded(PipectlError):
    """Another deploy has changed an app that this deploy had changed. That deploy wins."""


class UsageProblem(PipectlError):
    """Arguments or settings are invalid."""

    exit_code = 2


class NoAccounts(PipectlError):
    """The cluster has no accounts of services, no groups and no rights, as open DC/OS."""


class WaitTimeout(PipectlError):
    """A wait timed out."""

    exit_code = 3


class NoBackend(PipectlError):
    """Neither the brokers nor the live page are reachable."""

    exit_code = 3


class Unhealthy(PipectlError):
    """A component or a position is unhealthy."""

    exit_code = 4


class Interrupted(PipectlError):
    """The user pressed Ctrl-C."""

    exit_code = 130
