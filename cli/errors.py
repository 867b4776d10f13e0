"""What can go wrong, and the exit code of each.

PipectlError            1  something failed
├── DcosError           1  a `dcos` command failed
│   ├── DcosMissing     1  there is no `dcos` to run
│   └── DcosTimeout     3  a `dcos` command did not answer in time
├── StepFailed          1  a component keeps failing
├── UsageProblem        2  bad arguments or bad settings
├── WaitTimeout         3  gave up waiting
├── Unhealthy           4  the pipeline runs, but not as it should
└── Interrupted       130  Ctrl-C
"""

from collections.abc import Sequence
from typing import IO, Any

import click


class PipectlError(click.ClickException):
    """The root of every error that `pipectl` shows: a message and, where there is one, the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message and the next step on stderr."""
        click.secho(f"error: {self.format_message()}", fg="red", err=True, file=file)
        if self.hint:
            click.secho(f"next:  {self.hint}", err=True, file=file)


class DcosError(PipectlError):
    """A `dcos` command failed. Both outputs are kept: `dcos kafka` writes its errors to stdout."""

    def __init__(
        self,
        command: Sequence[str],
        returncode: int | None,
        stdout: str,
        stderr: str,
        *,
        hint: str | None = None,
    ) -> None:
        self.command = tuple(command)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        super().__init__(self._text(), hint=hint)

    @property
    def said(self) -> str:
        """What the command itself printed, errors first."""
        return "\n".join(part for part in (self.stderr.strip(), self.stdout.strip()) if part)

    def _text(self) -> str:
        said = self.said or "it said nothing"
        return f"`{' '.join(self.command)}` ended with exit code {self.returncode}: {said}"


class DcosMissing(DcosError):
    """The executable is not there or cannot be run."""

    def _text(self) -> str:
        return f"cannot run `{self.command[0]}`: {self.said}"


class DcosTimeout(DcosError):
    """The command was ended because it took longer than `dcos.timeout`."""

    exit_code = 3

    def _text(self) -> str:
        return f"`{' '.join(self.command)}` did not answer in time: {self.said}"


class StepFailed(PipectlError):
    """A component was applied but keeps failing."""


class UsageProblem(PipectlError):
    """Arguments or settings that cannot be meant."""

    exit_code = 2


class WaitTimeout(PipectlError):
    """A wait ended without what it waited for."""

    exit_code = 3


class Unhealthy(PipectlError):
    """A component or a position is not as it should be."""

    exit_code = 4


class Interrupted(PipectlError):
    """The user pressed Ctrl-C."""

    exit_code = 130
