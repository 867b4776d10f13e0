"""Runs `dcos` commands, the only access to a cluster."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cli.engine.dcos.faults import CommandMissing, UnexpectedResponse, fault, kind_of
from cli.errors import ClientMissing, ClientTimeout, EngineError, Interrupted

T = TypeVar("T")
LONGEST_PAUSE = 8.0
# A hang is retried only once, since each try costs the whole timeout.
TRIES_OF_A_HANG = 2
# The output of dcos 1.2.0 for an unknown command, with exit code 0.
GO_USAGE = "Usage:\n    dcos [command]\n"
# After a stop, a running command has this long to end.
LAST_SECONDS = 5.0
# How often a command that is streamed is checked for its end.
STREAM_SECONDS = 2.0


@dataclass(frozen=True)
class Dcos:
    """Runs `dcos` commands: an argv list and never a shell, a timeout per call, typed errors.

    Transient errors (an unreachable cluster, a 5xx, a lock, a hang) are retried with growing pauses. Errors
    that need the user (a login, a permission, another definition) are raised at once.

    argv: the executable and its fixed arguments.
    environ: the whole environment of the process. Secrets are here, never in argv.
    timeout: the timeout of one call in seconds.
    attempts: the maximum number of tries.
    pause: seconds before the second try; they double with each further try.
    echo: called with each command line before it runs (`pipectl -v`).
    stop: when set, stops retries and running commands.
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    timeout: float = 60.0
    echo: Callable[[str], None] | None = None
    attempts: int = 5
    pause: float = 0.5
    stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def run(
        self,
        args: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float | None = None,
        retry: bool = True,
    ) -> str:
        """Run a command that only reads and return its stdout. Transient errors are retried.

        Raises ClientMissing, ClientTimeout, or another EngineError if the exit code is not 0.
        """
        return self._persist(lambda: self._once(args, stdin, timeout), attempts=self.attempts if retry else 1)

    def change(
        self,
        args: Sequence[str],
        *,
        verify_applied: Callable[[], bool],
        stdin: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Run a command that changes something.

        A failure may leave open whether the change took effect (a lost answer, a hang). Then `verify_applied`
        reads the cluster before the command is repeated or given up.
        """

        def once() -> None:
            try:
                self._once(args, stdin, timeout)
            except EngineError as error:
                if error.not_applied or not verify_applied():
                    raise

        self._persist(once, attempts=self.attempts)

    def json(self, args: Sequence[str], *, timeout: float | None = None, retry: bool = True) -> Any:
        """Run one command that only reads and parse its stdout as JSON."""
        text = self.run(args, timeout=timeout, retry=retry)
        try:
            return json.loads(text)
        except ValueError:
            raise fault(UnexpectedResponse, self._shown(args), 0, text[:300], "this is not JSON") from None

    def stream(self, args: Sequence[str], *, ended: Callable[[], bool]) -> None:
        """Run one command with its output passed through, until it ends or the user stops it.

        Some clients follow a log for ever. So the command is ended once `ended()` was true, and a moment
        later, so that it can print the last lines.
        """
        shown = self._announce(args)
        try:
            process = subprocess.Popen([*self.argv, *args], env=dict(self.environ), stdin=subprocess.DEVNULL)
        except OSError as error:
            raise self._missing(error) from None
        try:
            returncode = _wait(process, ended)
        finally:
            _end(process)
        if returncode:
            raise fault(EngineError, shown, returncode, "", "")

    def _persist(self, once: Callable[[], T], *, attempts: int) -> T:
        pause = self.pause
        for tried in range(1, attempts + 1):
            try:
                return once()
            except EngineError as error:
                limit = min(attempts, TRIES_OF_A_HANG) if isinstance(error, ClientTimeout) else attempts
                if not error.transient or tried >= limit:
                    raise
                if self.echo:
                    self.echo(f"retrying in {pause:g} s: {error.cause or 'no answer in time'}")
                if self.stop.wait(pause):
                    raise Interrupted(f"stopped after: {error.message}") from None
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("attempts is at least 1")

    def _once(self, args: Sequence[str], stdin: str | None, timeout: float | None) -> str:
        shown = self._announce(args)
        limit = timeout or self.timeout
        try:
            returncode, stdout, stderr = self._execute(args, stdin or "", limit)
        except OSError as error:
            raise self._missing(error) from None
        except subprocess.TimeoutExpired:
            if self.stop.is_set():
                raise Interrupted(f"stopped `{' '.join(shown)}`") from None
            raise fault(ClientTimeout, shown, None, "", f"gave up after {limit:g} s") from None
        if returncode != 0:
            raise fault(kind_of(f"{stderr}\n{stdout}"), shown, returncode, stdout, stderr)
        if stdout.startswith(GO_USAGE):
            raise fault(CommandMissing, shown, returncode, "", "it printed its own usage")
        return stdout

    def _execute(self, args: Sequence[str], stdin: str, limit: float) -> tuple[int, str, str]:
        """Exit code, stdout, stderr. Raises OSError, or subprocess.TimeoutExpired after `limit` seconds."""
        # In its own process group, since some clients run a package's command as a child.
        with subprocess.Popen(
            [*self.argv, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(self.environ),
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = self._outputs(process, stdin, limit)
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, stdout, stderr

    def _outputs(self, process: subprocess.Popen[str], stdin: str, limit: float) -> tuple[str, str]:
        deadline, stopping = time.monotonic() + limit, False
        given: str | None = stdin
        while True:
            try:
                return process.communicate(given, timeout=min(0.2, max(0.0, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                given = None
                if self.stop.is_set() and not stopping:
                    stopping, deadline = True, min(deadline, time.monotonic() + LAST_SECONDS)
                if time.monotonic() >= deadline:
                    raise

    def _shown(self, args: Sequence[str]) -> list[str]:
        return ["dcos", *args]

    def _announce(self, args: Sequence[str]) -> list[str]:
        shown = self._shown(args)
        if self.echo:
            self.echo(f"$ {' '.join(shown)}")
        return shown

    def _missing(self, error: OSError) -> EngineError:
        return fault(ClientMissing, [self.argv[0]], None, "", error.strerror or str(error))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it does not end when it is asked to."""
    process.terminate()
    try:
        process.wait(LAST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], ended: Callable[[], bool]) -> int | None:
    """The exit code; None if the process still runs a moment after `ended()` was true."""
    over = False
    while True:
        try:
            return process.wait(STREAM_SECONDS)
        except subprocess.TimeoutExpired:
            if over:
                return None
            over = ended()
