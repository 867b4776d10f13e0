"""The name of the brokers cannot be resolved for a while: what does the job say, and is every window exact?

    python bench/dns.py [--seconds 60]

A broker tells its clients a host name, which only a hosts file of this benchmark knows, in a mount namespace
of its own (so it needs root). First the name is gone while all connections are open. Then the broker starts
again, so that every client needs the name: the job, the producer of prices, and the broker itself. JVMs keep
an address for 30 s. In the end, every window and dead letter is recomputed from the topics.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import broker  # noqa: F401 - first: it lets the next ones be found
from client import as_in_tests

from tests.gatherer.bundle import Bundle, Feed
from tests.gatherer.exact import key_of
from tests.gatherer.flink import wait_until

NAME = "kafka.test"
SYMBOLS = ["AAPL", "MSFT"]


class Names:
    """The hosts file of this namespace, and a resolver that does not answer."""

    def __init__(self, folder: Path) -> None:
        self._hosts = folder / "hosts"
        # JVMs also want the name of this machine.
        self._others = Path("/etc/hosts").read_text()
        resolver = folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.there(True)
        for file, place in ((self._hosts, "/etc/hosts"), (resolver, "/etc/resolv.conf")):
            subprocess.run(["mount", "--bind", file, place], check=True)  # noqa: S607

    def there(self, known: bool) -> None:
        # In place: the file is mounted.
        self._hosts.write_text(f"{self._others}127.0.0.1 {NAME}\n" if known else self._others)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="of each part; fewer than 30 leave the address in JVMs"
    )
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.inside:
        again = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv, "--inside"]
        sys.exit(subprocess.run(again, check=False).returncode)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dns-")))
        (folder / "kafka").mkdir()
        names = Names(folder)
        kafka = _named(folder / "kafka")
        stack.callback(kafka.stop)
        kafka.start()
        flink = as_in_tests(stack, folder / "flink")
        port = kafka.bootstrap_servers.rpartition(":")[2]
        bundle = Bundle(flink, kafka.bootstrap_servers, "dns", f"{NAME}:{port}")
        feed = Feed(bundle, SYMBOLS)
        bundle.app.start()
        stack.callback(bundle.app.kill)
        bundle.app.until_healthy()
        _until_fresh(bundle, "before")

        names.there(False)
        time.sleep(args.seconds)
        print(f"name gone, connections open: the job says {_said(bundle)}", flush=True)
        kafka.restart()
        time.sleep(args.seconds)
        print(f"name gone, broker started again: the job says {_said(bundle)}", flush=True)
        names.there(True)
        began = time.monotonic()
        _until_fresh(bundle, "after")
        print(f"fresh {time.monotonic() - began:.1f} s after the name is back", flush=True)
        due = bundle.verify(SYMBOLS, feed.close())
        print(f"{due} windows due: all as the model says, and so are the dead letters")


def _named(folder: Path) -> Any:
    """A broker that tells its clients NAME."""
    from tests.conftest import Broker

    kafka = Broker(folder)
    settings = folder / "server.properties"
    own, named = (f"advertised.listeners=PLAINTEXT://{host}" for host in ("127.0.0.1", NAME))
    text = settings.read_text()
    assert own in text
    settings.write_text(text.replace(own, named))
    return kafka


def _said(bundle: Bundle) -> dict[str, object]:
    return {name: value for name, value in bundle.app.health().items() if name != "job_id"}


def _until_fresh(bundle: Bundle, when: str) -> None:
    """Wait until each symbol has a window that ends after now."""
    now = datetime.now(UTC)

    def fresh() -> bool:
        newest = {symbol: end for symbol, _, end in sorted(map(key_of, bundle.averages()))}
        return all(symbol in newest and newest[symbol] > now for symbol in SYMBOLS)

    wait_until(fresh, f"fresh windows {when} the outage")


if __name__ == "__main__":
    main()
