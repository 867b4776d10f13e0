"""Which error a failed `dcos` command means, told by what the real clients print, and the next step.

Their exit code is 1 whatever happened, so the text decides: PyPI dcoscli 0.6.1, dcos 1.2.0 with its core
plugin, and the commands of SDK packages such as `dcos kafka`, which print errors on stdout. The first pattern
that matches wins.
"""

import re
from collections.abc import Mapping, Sequence

from cli.engine.dcos.refusals import refusal_details
from cli.errors import (
    AlreadyExists,
    ClientMissing,
    ClientTimeout,
    Conflict,
    EngineError,
    Invalid,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    Unreachable,
)


class NotUnderstood(EngineError):
    """Something answered that is not DC/OS: a proxy, a login page."""

    cause = "the answer is not one of DC/OS"


class NoCluster(EngineError):
    """The client is not set up for a cluster."""

    cause = "`dcos` knows no such cluster"
    certain = True


class CommandMissing(EngineError):
    """A package's own command, such as `dcos kafka`, is not installed on this machine."""

    cause = "`dcos` has no such command"
    certain = True


_NEXT_STEPS: Mapping[type[EngineError], str] = {
    EngineError: "run that command by itself to see more; `-v` shows all that `pipectl` runs",
    ClientMissing: "install the DC/OS command line, or name it with `--dcos PATH`",
    ClientTimeout: "check the cluster, or raise `dcos.timeout`; then run the same command again",
    NotLoggedIn: "log in with `dcos auth login`, then run the same command again",
    NotAllowed: "ask for the permission, or log in as another user with `dcos auth login`",
    NotFound: "someone may have removed it meanwhile: `pipectl plan` shows what is there",
    AlreadyExists: "someone may have created it meanwhile: `pipectl plan` compares it",
    Conflict: "see `dcos marathon deployment list`; deploy again once it has ended",
    Invalid: "mend the setting or the template that it names; `pipectl render` shows what is sent",
    Unreachable: "check the address with `dcos config show core.dcos_url`, and that this machine reaches it; "
    "then run the same command again",
    NotUnderstood: "check that the cluster's address leads to DC/OS: `dcos config show core.dcos_url`",
    NoCluster: "set one up with `dcos cluster setup URL`; `dcos cluster list` shows those it knows",
    CommandMissing: "install it with `dcos package install PACKAGE --cli`; `marathon`, `package` and `task` "
    "come with `dcos cluster setup`",
}

_PATTERNS: tuple[tuple[type[EngineError], str], ...] = (
    (CommandMissing, r"is not a dcos command|unknown command \"\S+\" for \"dcos"),
    (
        NotLoggedIn,
        r"HTTP 401|401 Unauthorized|core\.dcos_acs_token is invalid|authentication failed|dcos auth login",
    ),
    (NotAllowed, r"HTTP 403|403 Forbidden|not authorized to perform"),
    (Invalid, r"HTTP 4(00|22)|4(00|22) (Bad Request|Unprocessable)|Object is not valid|^Bad request\."),
    (Conflict, r"Changes blocked: deployment already|App is locked by one or more deployments|HTTP 409"),
    (AlreadyExists, r"already exists|already installed"),
    # The SDK's words for an unknown service too: one that was installed just now is not known yet.
    (Unreachable, r"Could not reach the service scheduler"),
    (
        NotFound,
        r"does not exist|Job (Run )?not found|HTTP 404|404 Not Found|is not installed"
        r"|(package|version) \[.*\].* not found",
    ),
    (
        Unreachable,
        r"HTTP 5\d\d|\b5\d\d (Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)"
        r"|connection refused|connection reset|remote end closed|is unreachable|could not connect"
        r"|unable to reach|no such host|could not resolve|name or service not known"
        r"|timed out|i/o timeout|deadline exceeded|no route to host|: EOF$"
        r"|temporarily unavailable|no current leader|not elected",
    ),
    (
        NotUnderstood,
        r"not in expected JSON format|Error decoding response|Service likely misconfigured"
        r"|invalid character '<'"
        r"|^\s*<(!doctype|html)",
    ),
    # dcos 1.2.0, when it knows no command of that name; our options are those of the commands that we mean.
    (CommandMissing, r"^Error: unknown flag: --"),
    (NoCluster, r"not attached|no cluster is attached|no attached cluster|Missing required config parameter"),
    (NoCluster, r"unable to (find|retrieve) (the )?cluster|cluster .* (is )?not (found|configured)"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for kind, pattern in _PATTERNS)


def kind_of(said: str) -> type[EngineError]:
    """The kind of error that a command which printed `said` met; EngineError itself when it is unknown."""
    return next((kind for kind, pattern in _COMPILED if pattern.search(said)), EngineError)


def fault(
    kind: type[EngineError], command: Sequence[str], returncode: int | None, stdout: str, stderr: str
) -> EngineError:
    """The error of this kind, with its next step and, for a refusal, what Marathon finds wrong."""
    details = refusal_details(f"{stderr}\n{stdout}") if kind is Invalid else ()
    return kind(command, returncode, stdout, stderr, hint=_NEXT_STEPS[kind], details=details)
