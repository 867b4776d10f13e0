"""Classifies failed `dcos` commands by the output of the real clients, and adds the next step.

Their exit code is always 1, so the text decides: PyPI dcoscli 0.6.1, dcos 1.2.0 with its core plugin, and the
commands of SDK packages such as `dcos kafka`, which print errors on stdout. The first matching pattern wins.
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


class UnexpectedResponse(EngineError):
    """Something other than DC/OS answered: a proxy, a login page."""

    cause = "the answer is not from DC/OS"


class NoCluster(EngineError):
    """The client has no such cluster."""

    cause = "`dcos` has no such cluster"
    not_applied = True


class CommandMissing(EngineError):
    """A package's own command, such as `dcos kafka`, is not installed on this machine."""

    cause = "`dcos` has no such command"
    not_applied = True


_NEXT_STEPS: Mapping[type[EngineError], str] = {
    EngineError: "run that command yourself; `-v` shows every command of `pipectl`",
    ClientMissing: "install the DC/OS command line, or set its path with `--dcos PATH`",
    ClientTimeout: "check the cluster, or raise `dcos.timeout`; then run the same command again",
    NotLoggedIn: "log in with `dcos auth login`, then run the same command again",
    NotAllowed: "ask for the permission, or log in as another user with `dcos auth login`",
    NotFound: "it may have been removed meanwhile; `pipectl plan` shows what exists",
    AlreadyExists: "it may have been created meanwhile; `pipectl plan` compares it",
    Conflict: "see `dcos marathon deployment list`; deploy again when it has ended",
    Invalid: "fix the setting or template; `pipectl render` shows the definition",
    Unreachable: "check the address with `dcos config show core.dcos_url`, and the network; "
    "then run the same command again",
    UnexpectedResponse: "check that `dcos config show core.dcos_url` is the address of a DC/OS cluster",
    NoCluster: "add it with `dcos cluster setup URL`; `dcos cluster list` lists the clusters",
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
    # The SDK also prints this for an unknown service, and a new service is unknown at first.
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
        UnexpectedResponse,
        r"not in expected JSON format|Error decoding response|Service likely misconfigured"
        r"|invalid character '<'"
        r"|^\s*<(!doctype|html)",
    ),
    # dcos 1.2.0 for an unknown command; the commands that we use know our options.
    (CommandMissing, r"^Error: unknown flag: --"),
    (NoCluster, r"not attached|no cluster is attached|no attached cluster|Missing required config parameter"),
    (NoCluster, r"unable to (find|retrieve) (the )?cluster|cluster .* (is )?not (found|configured)"),
    (NoCluster, r"(not|must be) set up locally|^Error: no match found"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for kind, pattern in _PATTERNS)


def kind_of(said: str) -> type[EngineError]:
    """The class of error for the output `said`; EngineError itself if unknown."""
    return next((kind for kind, pattern in _COMPILED if pattern.search(said)), EngineError)


def fault(
    kind: type[EngineError], command: Sequence[str], returncode: int | None, stdout: str, stderr: str
) -> EngineError:
    """The error of this kind with its next step and, if the request was invalid, Marathon's details."""
    details = refusal_details(f"{stderr}\n{stdout}") if kind is Invalid else ()
    return kind(command, returncode, stdout, stderr, hint=_NEXT_STEPS[kind], details=details)
