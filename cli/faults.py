"""Which error a failed `dcos` command means, told by what the real clients print.

Their exit code is 1 whatever happened, so the text decides: PyPI dcoscli 0.6.1, dcos 1.2.0 with its core
plugin, and the commands of SDK packages such as `dcos kafka`, which print errors on stdout. The first pattern
that matches wins.
"""

import re

from cli.errors import (
    AlreadyThere,
    CommandMissing,
    DcosError,
    Locked,
    NoCluster,
    NotAllowed,
    NotLoggedIn,
    NotThere,
    NotUnderstood,
    Refused,
    Unreachable,
)

_PATTERNS: tuple[tuple[type[DcosError], str], ...] = (
    (CommandMissing, r"is not a dcos command|unknown command \"\S+\" for \"dcos"),
    (
        NotLoggedIn,
        r"HTTP 401|401 Unauthorized|core\.dcos_acs_token is invalid|authentication failed|dcos auth login",
    ),
    (NotAllowed, r"HTTP 403|403 Forbidden|not authorized to perform"),
    (Refused, r"HTTP 4(00|22)|4(00|22) (Bad Request|Unprocessable)|Object is not valid|^Bad request\."),
    (Locked, r"Changes blocked: deployment already|App is locked by one or more deployments|HTTP 409"),
    (AlreadyThere, r"already exists|already installed"),
    # The SDK's words for an unknown service too: one that was installed just now is not known yet.
    (Unreachable, r"Could not reach the service scheduler"),
    (
        NotThere,
        r"does not exist|HTTP 404|404 Not Found|is not installed|(package|version) \[.*\].* not found",
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


def kind_of(said: str) -> type[DcosError]:
    """The kind of error that a command which printed `said` met; DcosError itself when it is none we know."""
    return next((kind for kind, pattern in _COMPILED if pattern.search(said)), DcosError)
