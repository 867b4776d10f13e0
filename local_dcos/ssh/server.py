"""The SSH server of a tunnel: keys open it, and it does nothing but forward to what each key may reach.

It stands in for the SSH server of a master: `python -m local_dcos.ssh.server AUTHORIZED_KEYS`. It prints its
port and its public host key as one line of JSON, and ends with its standard input, so that it never outlives
the tunnel.
"""

import asyncio
import json
import sys
from pathlib import Path

import asyncssh

HOST = "127.0.0.1"
_LOGIN_SECONDS = 20


class _ForwardsOnly(asyncssh.SSHServer):
    """Forwards where the key's `permitopen` allows it. There is no shell, no password and no other way in."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        # asyncssh has already refused what `permitopen` does not name. A key without it may reach nothing.
        return bool(self._connection.get_key_option("permitopen"))


async def serve(authorized_keys: Path) -> None:
    """Serve until standard input ends."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    acceptor = await asyncssh.listen(
        HOST,
        0,
        server_factory=_ForwardsOnly,
        server_host_keys=[host_key],
        authorized_client_keys=str(authorized_keys),
        login_timeout=_LOGIN_SECONDS,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_pty=False,
        config=None,
    )
    public = host_key.export_public_key().decode().split()
    print(json.dumps({"port": acceptor.get_port(), "host_key": " ".join(public[:2])}), flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.buffer.read)
    acceptor.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
