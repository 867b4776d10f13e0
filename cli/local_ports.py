"""The choice of ports for the local clusters of a user, who may start several at once.

A port that was chosen is not bound until its task starts, so binding alone cannot tell which ones are taken.
The user's cache folder lists the settings files with the chosen ports, whichever PIPECTL_HOME they are in.
"""

import fcntl
import os
import random
import re
import socket
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cli.errors import PipectlError, WaitTimeout
from cli.home import base_home

# Below the kernel's range for outgoing connections, so that a free port stays free.
SPARE_PORTS = range(21000, 32768)
CHOICE_SECONDS = 20.0


@contextmanager
def choosing_ports(file: Path) -> Iterator[set[int]]:
    """The ports that were chosen for others, until `file` with the new choice is written.

    The others may not run just now. They chose for local clusters and areas of this user. Nobody else chooses
    meanwhile. Raises WaitTimeout if another process does so for too long.
    """
    with _list_of_files().open("a+", encoding="utf-8") as listed:
        _lock(listed.fileno())
        listed.seek(0)
        files = {Path(line) for line in listed.read().splitlines()}
        ports = {other: _ports_in(other) for other in files - {file}}
        yield set().union(*ports.values())
        kept = [*(other for other in ports if other.exists()), file]
        listed.truncate(0)
        listed.write("".join(f"{each}\n" for each in sorted(kept)))


def free_ports(preferred: Mapping[str, int | None], others: Collection[int]) -> dict[str, int]:
    """A free loopback port for every name, none of `others`, and the preferred one if there is one.

    All sockets stay bound until all ports are chosen.
    """
    held: list[socket.socket] = []
    try:
        chosen = {}
        for name, port in preferred.items():
            holder = socket.socket()
            held.append(holder)
            # Java servers set it too, so they can use a port in TIME_WAIT.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidates = random.sample(SPARE_PORTS, 100)
            wanted = candidates if port is None else [port, *candidates]
            chosen[name] = _bind(holder, [each for each in wanted if each not in others])
        return chosen
    finally:
        for holder in held:
            holder.close()


def _list_of_files() -> Path:
    from platformdirs import user_cache_path

    folder = user_cache_path("pipectl")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        folder = base_home()
    return (folder if os.access(folder, os.W_OK) else base_home()) / "chosen-ports"


def _lock(file: int) -> None:
    deadline = time.monotonic() + CHOICE_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise WaitTimeout(
                    f"another pipectl did not choose the ports of its cluster within {CHOICE_SECONDS:g} s"
                ) from None
            time.sleep(0.02)


def _ports_in(file: Path) -> set[int]:
    with suppress(OSError):  # its cluster was purged
        return {int(port) for port in re.findall(r'port": (\d+)', file.read_text())}
    return set()


def _bind(holder: socket.socket, candidates: Sequence[int]) -> int:
    for port in candidates:
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise PipectlError(
        f"no free port among {len(candidates)} tried between {SPARE_PORTS[0]} and {SPARE_PORTS[-1]}"
    )
