"""What can go wrong, and the exit code of each.

PipectlError            1  something failed
├── EngineError         1  a command of the engine failed
│   ├── ClientMissing   1  there is no command-line client to run
│   ├── ClientTimeout   3  a command did not answer in time
│   ├── NotLoggedIn     1  401
│   ├── NotAllowed      1  403
│   ├── NotFound        1  404
│   ├── AlreadyExists   1  409: it exists
│   ├── Conflict        1  409: another change holds it
│   ├── Invalid         1  400, 422: what was sent is wrong
│   └── Unreachable     1  5xx, connection refused, no answer from a service
├── StepFailed          1  a component keeps failing
├── Superseded          1  somebody deployed after this deploy began
├── NoBackend          3  neither the brokers nor the live page answers
├── UsageProblem        2  bad arguments or bad settings
├── WaitTimeout         3  gave up waiting
├── Unhealthy           4  the pipeline runs, but not as it should
└── Interrupted       130  Ctrl-C
"""

from collections.abc import Sequence
from typing import IO, Any, ClassVar

import click


class PipectlError(click.ClickException):
    """The root of every error that `pipectl` shows: a message and, where there is one, the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.also: str | None = None
        """What was done about it."""

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
        """What the command itself printed, errors first."""
        return "\n".join(part for part in (self.stderr.strip(), self.stdout.strip()) if part)

    def _text(self) -> str:
        cause, shown = f"{self.cause}: " if self.cause else "", " ".join(self.command)
        if self.details:
            return f"{cause}`{shown}`: {'; '.join(self.details)}"
        return f"{cause}`{shown}` ended with exit code {self.returncode}: {self.said or 'it said nothing'}"


class ClientMissing(EngineError):
    """The executable is not there or cannot be run."""

    not_applied = True

    def _text(self) -> str:
        return f"cannot run `{self.command[0]}`: {self.said}"


class ClientTimeout(EngineError):
    """The command was ended because it took longer than one call may."""

    exit_code = 3
    transient = True

    def _text(self) -> str:
        return f"`{' '.join(self.command)}` did not answer in time: {self.said}"


class NotLoggedIn(EngineError):
    """The cluster does not know the user, or no longer."""

    cause = "not logged in (401)"
    not_applied = True


class NotAllowed(EngineError):
    """The user may not do this."""

    cause = "not allowed (403)"
    not_applied = True


class NotFound(EngineError):
    """What the command names does not exist."""

    cause = "it is not there (404)"
    not_applied = True


class AlreadyExists(EngineError):
    """What the command would create exists."""

    cause = "it is there already (409)"


class Conflict(EngineError):
    """Another change of the app has not ended."""

    cause = "another deployment holds it (409)"
    transient = True
    not_applied = True


class Invalid(EngineError):
    """The cluster finds what was sent wrong; `details` says where."""

    cause = "the cluster refuses it as wrong"
    not_applied = True


class Unreachable(EngineError):
    """The cluster, or the service behind it, did not answer as it should; it may come back."""

    cause = "the cluster does not answer"
    transient = True


class StepFailed(PipectlError):
    """A component was applied but keeps failing."""


class Superseded(PipectlError):
    """Somebody else has changed what this deploy had changed: theirs holds."""


class UsageProblem(PipectlError):
    """Arguments or settings that cannot be meant."""

    exit_code = 2


class WaitTimeout(PipectlError):
    """A wait ended without what it waited for."""

    exit_code = 3


class NoBackend(PipectlError):
    """Neither the brokers nor the live page answers from here."""

    exit_code = 3


class Unhealthy(PipectlError):
    """A component or a position is not as it should be."""

    exit_code = 4


class Interrupted(PipectlError):
    """The user pressed Ctrl-C."""

    exit_code = 130
