"""The part of OpenSSH's client that a tunnel needs, with the same arguments, for machines without `ssh`.

`python -m local_dcos.ssh.client -N -T -F none -o NAME=VALUE -i KEY -p PORT -L SOCKET:HOST:PORT USER@HOST`
forwards until the connection or the process ends. Errors end it with exit code 255, as they end `ssh`.
"""

import argparse
import asyncio
import sys

import asyncssh

_FAILED = 255
_OPTIONS = ("UserKnownHostsFile", "ServerAliveInterval", "ServerAliveCountMax")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ssh")
    parser.add_argument("-N", action="store_true", required=True)
    parser.add_argument("-T", action="store_true")
    parser.add_argument("-F", choices=["none"], required=True)
    parser.add_argument("-o", dest="options", action="append", default=[])
    parser.add_argument("-i", dest="key", required=True)
    parser.add_argument("-p", dest="port", type=int, default=22)
    parser.add_argument("-L", dest="forward", required=True)
    parser.add_argument("destination")
    return parser.parse_args()


async def _forward(given: argparse.Namespace) -> None:
    options = dict(option.split("=", 1) for option in given.options)
    known_hosts, alive, count = (options[name] for name in _OPTIONS)
    user, _, host = given.destination.rpartition("@")
    listen, target_host, target_port = given.forward.rsplit(":", 2)
    async with asyncssh.connect(
        host,
        given.port,
        username=user,
        client_keys=[given.key],
        known_hosts=known_hosts,
        keepalive_interval=int(alive),
        keepalive_count_max=int(count),
        agent_path=None,
        config=None,
    ) as connection:
        await connection.forward_local_path_to_port(listen, target_host, int(target_port))
        await connection.wait_closed()
    raise ConnectionError(f"{host} closed the connection")


def main() -> None:
    """Forward until the connection ends."""
    given = _arguments()
    try:
        asyncio.run(_forward(given))
    except (OSError, asyncssh.Error) as error:
        print(f"ssh: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(_FAILED)


if __name__ == "__main__":
    main()
