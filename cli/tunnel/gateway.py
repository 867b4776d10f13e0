"""The SSH server that a tunnel goes through: a master of the cluster, or one of its own on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

from cli.errors import PipectlError

if TYPE_CHECKING:
    from marathon.ssh import Ssh

Target = tuple[str, int]
"""Host and port, as the gateway reaches them."""
LOCAL_USER = "tunnel"
_LOCAL_HOST = "127.0.0.1"
_END_SECONDS = 10.0
# An ssh that gets no answer for this long ends.
_ALIVE = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")
# With ControlPersist in the user's configuration, an ssh would leave the connection to one in the background.
_OWN_CONNECTION = ("-o", "ControlMaster=no", "-o", "ControlPath=none")


@dataclass(frozen=True)
class Gateway:
    """A server and how the SSH client reaches it. options: the client's, before its destination.

    advice: the next step if the client cannot log in.
    """

    client: tuple[str, ...]
    options: tuple[str, ...]
    destination: str
    advice: str

    def forward(self, here: str, target: Target) -> list[str]:
        """The command that only forwards `here`, a socket or `address:port`, to the target."""
        host, port = target
        forward = ("-N", "-T", "-o", "ExitOnForwardFailure=yes", "-L", f"{here}:{host}:{port}")
        return [*self.client, *self.options, *forward, self.destination]


def authorized(public_key: str, targets: Sequence[Target]) -> str:
    """The line of `authorized_keys` with which a key may forward to these targets, and nothing else."""
    permits = [f'permitopen="{host}:{port}"' for host, port in targets]
    return f"{','.join(['restrict', 'port-forwarding', *permits])} {public_key.strip()}"


def cluster_gateway(ssh: Ssh, front_door: str) -> Gateway:
    """The master, through the user's own `ssh` with its agent, its configuration and its known hosts."""
    host = ssh.host or urlsplit(front_door).hostname or ""
    key = () if ssh.key is None else ("-i", str(Path(ssh.key).expanduser()))
    # It never asks: a question would disturb what runs through the tunnel.
    options = ("-o", "BatchMode=yes", *_OWN_CONNECTION, *_ALIVE, *key, "-p", str(ssh.port))
    port = "" if ssh.port == 22 else f"-p {ssh.port} "
    return Gateway(
        (_ssh(),),
        options,
        f"{ssh.user}@{host}",
        f"run `ssh {port}{ssh.user}@{host}` once to check its host key, and load your key with `ssh-add`; "
        "the settings `ssh.host`, `ssh.user` and `ssh.key` choose others",
    )


@contextmanager
def local_gateway(folder: Path, targets: Sequence[Target]) -> Iterator[Gateway]:
    """A server on this machine, for as long as the block runs, with a key that reaches only the targets.

    folder: for the keys. Only the user can open it.
    """
    from cli.tunnel.ssh_keys import make_key

    key = folder / "key"
    allowed = folder / "authorized_keys"
    allowed.write_text(authorized(make_key(key), targets) + "\n")
    server = [sys.executable, "-m", "local_dcos.ssh.server", str(allowed)]
    # It ends with its standard input, even if this process is killed. Ctrl-C is not for it.
    with subprocess.Popen(
        server,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        begin, answer, errors = (
            cast(IO[str], each) for each in (process.stdin, process.stdout, process.stderr)
        )
        try:
            line = answer.readline()
            if not line:
                said = errors.read().strip().splitlines() or ["no output"]
                raise PipectlError(
                    f"the SSH server on this machine did not start: {said[-1]}",
                    hint="run `pip install '.[local]'` in the project's folder",
                )
            about = json.loads(line)
            known = folder / "known_hosts"
            known.write_text(f"[{_LOCAL_HOST}]:{about['port']} {about['host_key']}\n")
            client = (
                (ssh,) if (ssh := shutil.which("ssh")) else (sys.executable, "-m", "local_dcos.ssh.client")
            )
            yield Gateway(
                client,
                # The user's own configuration and agent play no part.
                (
                    *("-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
                    *("-o", "IdentityAgent=none", "-o", f"UserKnownHostsFile={known}"),
                    *("-o", "StrictHostKeyChecking=yes", *_ALIVE, "-i", str(key), "-p", str(about["port"])),
                ),
                f"{LOCAL_USER}@{_LOCAL_HOST}",
                "run the same command again",
            )
        finally:
            begin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _ssh() -> str:
    found = shutil.which("ssh")
    if found is None:
        raise PipectlError(
            "a tunnel to a cluster needs the command `ssh`, which is not installed",
            hint="install OpenSSH's client (on Debian and Ubuntu: apt-get install openssh-client)",
        )
    return found
