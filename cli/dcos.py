"""The one way to a cluster: running `dcos` commands."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.errors import DcosError, DcosMissing, DcosTimeout

# What real clients print, in lower case, and what the user can do about it.
_HINTS = (
    (("401", "unauthorized", "authentication failed", "dcos auth login"), "log in with `dcos auth login`"),
    (("403", "forbidden", "not authorized"), "ask for the permission, or log in as another user"),
    (
        ("connection refused", "could not connect", "unable to reach", "no such host", "could not resolve"),
        "check the cluster's address with `dcos config show core.dcos_url`, and that this machine reaches it",
    ),
    (("not attached", "no cluster is attached"), "set one up with `dcos cluster setup URL`"),
)


@dataclass(frozen=True)
class Dcos:
    """Runs `dcos` commands: an argv list and never a shell, a timeout per call, typed errors.

    argv: the executable, with what comes before the arguments.
    environ: the whole environment of the process; secrets travel here, never in argv.
    timeout: seconds that one call may take.
    echo: called with each command line before it runs (`pipectl -v`).
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    timeout: float = 60.0
    echo: Callable[[str], None] | None = None

    def run(self, args: Sequence[str], *, stdin: str | None = None, timeout: float | None = None) -> str:
        """Run one command to its end and return its stdout.

        Raises DcosMissing, DcosTimeout, or DcosError when its exit code is not 0.
        """
        shown = self._announce(args)
        limit = timeout or self.timeout
        try:
            done = subprocess.run(
                [*self.argv, *args],
                input=stdin if stdin is not None else "",
                capture_output=True,
                text=True,
                timeout=limit,
                env=dict(self.environ),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DcosTimeout(
                shown,
                None,
                "",
                f"gave up after {limit:g} s",
                hint="raise `dcos.timeout`, or check the cluster",
            ) from None
        except OSError as error:
            raise self._missing(error) from None
        if done.returncode != 0:
            raise DcosError(
                shown, done.returncode, done.stdout, done.stderr, hint=_hint(done.stderr + done.stdout)
            )
        return done.stdout

    def json(self, args: Sequence[str], *, timeout: float | None = None) -> Any:
        """Run one command and parse its stdout as JSON."""
        text = self.run(args, timeout=timeout)
        try:
            return json.loads(text)
        except ValueError:
            raise DcosError(
                self._shown(args),
                0,
                text,
                "the answer is not JSON",
                hint="check that the cluster's address leads to DC/OS: `dcos config show core.dcos_url`",
            ) from None

    def stream(self, args: Sequence[str]) -> None:
        """Run one command with its output going straight to ours, until it ends or the user stops it."""
        shown = self._announce(args)
        try:
            process = subprocess.Popen([*self.argv, *args], env=dict(self.environ), stdin=subprocess.DEVNULL)
        except OSError as error:
            raise self._missing(error) from None
        try:
            returncode = process.wait()
        finally:
            process.terminate()
            process.wait()
        if returncode != 0:
            raise DcosError(shown, returncode, "", "")

    def _shown(self, args: Sequence[str]) -> list[str]:
        return ["dcos", *args]

    def _announce(self, args: Sequence[str]) -> list[str]:
        shown = self._shown(args)
        if self.echo:
            self.echo(" ".join(shown))
        return shown

    def _missing(self, error: OSError) -> DcosMissing:
        return DcosMissing(
            [self.argv[0]],
            None,
            "",
            error.strerror or str(error),
            hint="install the DC/OS command line, or name it with `--set dcos.executable=PATH`",
        )


def _hint(said: str) -> str | None:
    low = said.lower()
    return next((hint for marks, hint in _HINTS if any(mark in low for mark in marks)), None)
