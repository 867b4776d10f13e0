"""Ports for the servers of the tests."""

from __future__ import annotations

import os
import random

from local_dcos.ports import HOST, is_free

# Below the ranges of outgoing connections and of the local clusters: a free port stays free until its server
# binds it. Each worker of pytest has a part of its own.
_ALL = range(10240, 21000)
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_OWN = _ALL[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _WORKERS :: _WORKERS]
_given: set[int] = set()


def free_ports(number: int, host: str = HOST) -> list[int]:
    """Ports that nobody listens on, and that no other test gets."""
    chosen: list[int] = []
    for port in random.sample(_OWN, len(_OWN)):  # another run of the tests may have the same part
        if len(chosen) == number:
            break
        if port not in _given and is_free(port, host):
            chosen.append(port)
    assert len(chosen) == number, f"fewer than {number} of {len(_OWN)} ports are free"
    _given.update(chosen)
    return chosen
