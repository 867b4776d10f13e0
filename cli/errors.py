"""What can go wrong, and the exit code of each.

PipectlError            1  something failed
├── DcosError           1  a `dcos` command failed
│   ├── DcosMissing     1  there is no `dcos` to run
│   ├── DcosTimeout     3  a `dcos` command did not answer in time
│   ├── NotLoggedIn     1  401
│   ├── NotAllowed      1  403
│   ├── NotThere        1  404
│   ├── AlreadyThere    1  409: it exists
│   ├── Locked          1  409: another deployment holds it
│   ├── Refused         1  400, 422: what was sent is wrong
│   ├── Unreachable     1  5xx, connection refused, no answer from a service
│   ├── NotUnderstood   1  an answer that is not DC/OS's
│   ├── NoCluster       1  `dcos` is not set up for a cluster
│   └── CommandMissing  1  `dcos` lacks the command of a package
├── StepFailed          1  a component keeps failing
├── OutOfReach          3  neither the brokers nor the live page answers
├── UsageProblem        2  bad arguments or bad settings
├── WaitTimeout         3  gave up waiting
├── Unhealthy           4  the pipeline runs, but not as it should
└── Interrupted       130  Ctrl-C
"""

from collections.abc import Sequence
from typing import IO, Any, ClassVar

import click

from cli.refusals import refusal_details


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


class DcosError(PipectlError):
    """A `dcos` command failed. Both outputs are kept: `dcos kafka` writes its errors to stdout.

    cause: what it means, in a few words. passing: whether it may go by itself, so that trying again makes
    sense. certain: whether a command that failed so has surely changed nothing.
    """

    cause: ClassVar[str | None] = None
    passing: ClassVar[bool] = False
    certain: ClassVar[bool] = False
    next_step: ClassVar[str] = "run that command by itself to see more; `-v` shows all that `pipectl` runs"

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
        super().__init__(self._text(), hint=hint or self.next_step)

    @property
    def said(self) -> str:
        """What the command itself printed, errors first."""
        return "\n".join(part for part in (self.stderr.strip(), self.stdout.strip()) if part)

    def _text(self) -> str:
        said = self.said or "it said nothing"
        cause = f"{self.cause}: " if self.cause else ""
        return f"{cause}`{' '.join(self.command)}` ended with exit code {self.returncode}: {said}"


class DcosMissing(DcosError):
    """The executable is not there or cannot be run."""

    certain = True

    def _text(self) -> str:
        return f"cannot run `{self.command[0]}`: {self.said}"


class DcosTimeout(DcosError):
    """The command was ended because it took longer than `dcos.timeout`."""

    exit_code = 3
    passing = True
    next_step = "check the cluster, or raise `dcos.timeout`; then run the same command again"

    def _text(self) -> str:
        return f"`{' '.join(self.command)}` did not answer in time: {self.said}"


class NotLoggedIn(DcosError):
    """The cluster does not know the user, or no longer."""

    cause = "not logged in (401)"
    certain = True
    next_step = "log in with `dcos auth login`, then run the same command again"


class NotAllowed(DcosError):
    """The user may not do this."""

    cause = "not allowed (403)"
    certain = True
    next_step = "ask for the permission, or log in as another user with `dcos auth login`"


class NotThere(DcosError):
    """What the command names does not exist."""

    cause = "it is not there (404)"
    certain = True
    next_step = "someone may have removed it meanwhile: `pipectl plan` shows what is there"


class AlreadyThere(DcosError):
    """What the command would create exists."""

    cause = "it is there already (409)"
    next_step = "someone may have created it meanwhile: `pipectl plan` compares it"


class Locked(DcosError):
    """Another deployment of the app has not ended."""

    cause = "another deployment holds it (409)"
    passing = True
    certain = True
    next_step = "see `dcos marathon deployment list`; deploy again once it has ended"


class Refused(DcosError):
    """The cluster finds what was sent wrong; `details` says where."""

    cause = "the cluster refuses it as wrong"
    certain = True
    next_step = "mend the setting or the template that it names; `pipectl render` shows what is sent"

    def _text(self) -> str:
        details = refusal_details(self.said)
        if not details:
            return super()._text()
        return f"{self.cause}: `{' '.join(self.command)}`: {'; '.join(details)}"


class Unreachable(DcosError):
    """The cluster, or the service behind it, did not answer as it should; it may come back."""

    cause = "the cluster does not answer"
    passing = True
    next_step = (
        "check the address with `dcos config show core.dcos_url`, and that this machine reaches it; "
        "then run the same command again"
    )


class NotUnderstood(DcosError):
    """Something answered that is not DC/OS: a proxy, a login page."""

    cause = "the answer is not one of DC/OS"
    next_step = "check that the cluster's address leads to DC/OS: `dcos config show core.dcos_url`"


class NoCluster(DcosError):
    """The client is not set up for a cluster."""

    cause = "`dcos` knows no such cluster"
    certain = True
    next_step = "set one up with `dcos cluster setup URL`; `dcos cluster list` shows those it knows"


class CommandMissing(DcosError):
    """A package's own command, such as `dcos kafka`, is not installed on this machine."""

    cause = "`dcos` has no such command"
    certain = True
    next_step = (
        "install it with `dcos package install PACKAGE --cli`; `marathon`, `package` and `task` come with "
        "`dcos cluster setup`"
    )


class StepFailed(PipectlError):
    """A component was applied but keeps failing."""


class UsageProblem(PipectlError):
    """Arguments or settings that cannot be meant."""

    exit_code = 2


class WaitTimeout(PipectlError):
    """A wait ended without what it waited for."""

    exit_code = 3


class OutOfReach(PipectlError):
    """Neither the brokers nor the live page answers from here."""

    exit_code = 3


class Unhealthy(PipectlError):
    """A component or a position is not as it should be."""

    exit_code = 4


class Interrupted(PipectlError):
    """The user pressed Ctrl-C."""

    exit_code = 130
