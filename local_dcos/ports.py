"""Host ports for tasks, service ports for definitions, and the one address that everything listens on."""

import os
import random
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from local_dcos.errors import NoOfferError

# Below the kernel's range for outgoing connections: a free port stays free until its task binds it.
HOST_PORTS = range(21000, 32768)
SERVICE_PORTS = range(10000, 20001)
HOST = "127.0.0.1"
# Linux's tables of sockets. Those that listen come first in them.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"
# Those who listen on these get what is sent to HOST.
_RECEIVING = ((socket.AF_INET, (HOST, "0.0.0.0")), (socket.AF_INET6, (f"::ffff:{HOST}", "::")))  # noqa: S104


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen on `port` of a loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def is_another_users(port: int) -> bool:
    """Whether another user gets what is sent to `port` of the loopback address.

    False where the system does not say.
    """
    receiving = {_in_table(socket.inet_pton(family, name)) for family, names in _RECEIVING for name in names}
    for table in _TABLES:
        with suppress(OSError), table.open(encoding="ascii") as lines:
            next(lines)
            for line in lines:
                _, address, _, state, _, _, _, user, *_ = line.split()
                if state != _LISTENING:
                    break
                host, _, number = address.partition(":")
                if int(number, 16) == port and host in receiving and int(user) != os.getuid():
                    return True
    return False


def _in_table(address: bytes) -> str:
    """An IP address as the tables show it: in words of the machine's byte order."""
    words = (address[at : at + 4] for at in range(0, len(address), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


def pick(candidates: range, taken: Collection[int | None]) -> int:
    """Returns a free port in `candidates` that is not in `taken`.

    Raises:
        NoOfferError: No free port was found.
    """
    for _ in range(200):
        port = random.choice(candidates)  # noqa: S311 - spreads ports, guards nothing
        if port not in taken and is_free(port):
            return port
    raise NoOfferError(
        "InsufficientPorts", f"No free port between {candidates.start} and {candidates.stop - 1}"
    )
