"""The name of the brokers cannot be resolved for a while: does `pipectl status` say so, and is all exact?

    python bench/dns.py [--seconds 60]

A bundle is deployed in a folder of its own. Its broker tells its clients a host name, which only a hosts file
of this benchmark knows, in a mount namespace of its own (so it needs root). First the name is gone while all
connections are open. Then it is gone and the broker starts again, so that every client needs the name: the
job, the generator, and the broker itself. JVMs keep an address for 30 s. In the end, every window and dead
letter is recomputed from the topics, and the generator's counts are compared with them. The exit code is 1 if
anything is not as it must be.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle import bundle  # first: it lets the next ones be found
from outages import try_out

from local_dcos.kafka.package import OVERRIDE
from tests.e2e.outages import FRESH_SECONDS, Outage, Site

NAME = "kafka.test"
SAID = f"the name {re.escape(NAME)} cannot be resolved"


class Names:
    """The hosts file of this namespace, and a resolver that does not answer."""

    def __init__(self, folder: Path) -> None:
        self._hosts = folder / "hosts"
        # JVMs also want the name of this machine.
        self._others = Path("/etc/hosts").read_text()
        resolver = folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self._know(True)
        for file, place in ((self._hosts, "/etc/hosts"), (resolver, "/etc/resolv.conf")):
            subprocess.run(["mount", "--bind", file, place], check=True)  # noqa: S607

    def _know(self, known: bool) -> None:
        # In place: the file is mounted.
        self._hosts.write_text(f"{self._others}127.0.0.1 {NAME}\n" if known else self._others)

    @contextmanager
    def gone(self, site: Site, *killed: str) -> Iterator[None]:
        """Nobody knows the name. Components are killed at its begin."""
        self._know(False)
        try:
            site.cluster.kill(*killed)
            yield
        finally:
            self._know(True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="of each part; fewer than 30 leave the address in JVMs"
    )
    parser.add_argument(
        "--fresh", type=float, default=FRESH_SECONDS, help="seconds; a busy machine needs more"
    )
    parser.add_argument("--verbose", action="store_true", help="print all that `pipectl status` said at last")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.inside:
        again = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv, "--inside"]
        sys.exit(subprocess.run(again, check=False).returncode)
    with tempfile.TemporaryDirectory(prefix="dns-") as folder:
        names = Names(Path(folder))
        outages = (
            Outage("name gone", args.seconds, SAID, names.gone),
            Outage("name gone at a restart", args.seconds, SAID, lambda site: names.gone(site, "broker")),
        )
        with bundle(f"--set=kafka.host={NAME}") as user:
            site = Site(user)
            address = f"PLAINTEXT://{site.cluster.bootstrap_servers}"
            site.cluster.set_variable("kafka", f"{OVERRIDE}ADVERTISED_LISTENERS", address)
            exact = try_out(site, outages, fresh=args.fresh, verbose=args.verbose)
    sys.exit(not exact)


if __name__ == "__main__":
    main()
