"""Host ports for tasks, service ports for definitions, and the one address that everything listens on."""

import random
import socket
from collections.abc import Collection

from local_dcos.errors import NoOfferError

# Below the kernel's range for outgoing connections: a free port stays free until its task binds it.
HOST_PORTS = range(21000, 32768)
SERVICE_PORTS = range(10000, 20001)
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


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
