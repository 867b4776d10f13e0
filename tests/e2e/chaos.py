"""Kills at random under load; afterwards everything is recomputed from the topics."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl
from tests.e2e.freshness import Reader
from tests.e2e.ledger import Account, Ledger
from tests.e2e.recount import Recount, owed, recount, ticks_of
from tests.e2e.stored import Difference, Sink
from tests.gatherer.bundle import Tail
from tests.gatherer.exact import key_of

COMPONENTS = ("generator", "submitter", "taskmanager", "worker", "jobmanager", "broker", "agent")
SEVERAL_AT_ONCE, DURING_RECOVERY = 0.25, 0.25
"""The probability that a kill hits several components, and that the next one does not wait for recovery."""
_POLL_SECONDS = 0.1


@dataclass
class Report:
    """What was found.

    killed: the components of each kill. recoveries: by component, the seconds from a kill of it alone until
    all positions were fresh, in every store too, unless the next kill came first. stuck: says after which
    kill data did not flow again. stored: what each flow in each store lacks.
    """

    killed: list[tuple[str, ...]] = field(default_factory=list)
    stuck: str = ""
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    recount: Recount | None = None
    account: Account | None = None
    stored: dict[str, Difference] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether data flowed again after each kill, and nothing is missing, doubled, wrong or lost."""
        assert self.recount is not None and self.account is not None
        clean = not self.stuck and not self.recount.faults and not self.recount.letters
        clean = clean and not any(self.stored.values())
        return clean and not (self.account.lost or self.account.doubled or self.account.unsaid)

    def lines(self) -> Iterator[str]:
        assert self.recount is not None and self.account is not None
        account = self.account
        if self.killed:
            yield f"{len(self.killed)} kills of {sum(map(len, self.killed))} components"
        for name, seconds in sorted(self.recoveries.items()):
            yield (
                f"{name:17} {len(seconds):3} recoveries: median {median(seconds):5.1f} s, "
                f"worst {max(seconds):5.1f} s"
            )
        if self.stuck:
            yield self.stuck
        ticks = sum(map(len, self.recount.ticks.values()))
        yield f"{ticks:,} ticks; {len(self.recount.due):,} windows due: {self.recount.faults}"
        yield f"dead letters: {'; '.join(self.recount.letters) or 'as they should be'}"
        yield (
            f"{account.acknowledged:,} ticks acknowledged: lost {account.lost}, doubled {account.doubled}, "
            f"in the last counts but not in the topics or the other way round {account.unsaid}"
        )
        for flow, found in self.stored.items():
            yield f"{flow}: {found}"


class Chaos:
    """Kills for a cluster whose bundle runs.

    sinks: they and their stores are killed too. fresh: seconds within which a window counts as fresh.
    """

    def __init__(
        self,
        cluster: Cluster,
        seed: int,
        *,
        sinks: Sequence[Sink] = (),
        fresh: float = 5.0,
        say: Callable[[str], None] = print,
    ) -> None:
        self._cluster, self._sinks, self._fresh, self._say = cluster, sinks, fresh, say
        self._components = [*COMPONENTS, *(name for each in sinks for name in (*each.servers, each.app))]
        self._draw = random.Random(seed)
        self._bag: list[str] = []

    def run(
        self,
        kills: int,
        *,
        seconds: float = math.inf,
        patience: float = 180.0,
        then: Callable[[], None] = lambda: None,
    ) -> Report:
        """Kill this often or for this long, call `then`, stop the load, and recompute everything.

        No further kill comes if data does not flow again within `patience` seconds after one.
        """
        deadline = time.monotonic() + seconds
        report = Report()
        with Ledger(self._cluster) as ledger, Reader(self._cluster) as reader:
            assert self._until_fresh(reader, 0.0, patience), (
                "not all positions are fresh before the first kill"
            )
            for number in range(kills):
                if time.monotonic() > deadline:
                    break
                chosen = self._choose()
                ledger.read()
                began = time.time()
                killed = self._cluster.kill(*chosen)
                report.killed.append(tuple(killed))
                line = f"{number + 1:3} {' and '.join(killed) or 'nothing ran'}"
                if number + 1 < kills and self._draw.random() < DURING_RECOVERY:
                    self._say(f"{line}, and the next soon after")
                    time.sleep(self._draw.uniform(0, 6))
                    continue
                if not self._until_fresh(reader, began, patience):
                    report.stuck = f"not all positions are fresh {patience:.0f} s after the kill of {killed}"
                    break
                seconds = time.time() - began
                self._say(f"{line}: fresh after {seconds:.1f} s")
                if len(killed) == 1:
                    report.recoveries.setdefault(killed[0], []).append(seconds)
                time.sleep(self._draw.uniform(0, 3))
            if not report.stuck and not self._until_fresh(reader, time.time(), patience):
                report.stuck = f"not all positions are fresh {patience:.0f} s after the last kill"
            ledger.read()
            then()
            return settle(self._cluster, ledger, report, patience, self._sinks)

    def _choose(self) -> list[str]:
        """Each component comes once before one comes again."""
        several = self._draw.random() < SEVERAL_AT_ONCE
        chosen: list[str] = []
        while len(chosen) < (self._draw.randint(2, 3) if several else 1):
            if not self._bag:
                self._bag = self._draw.sample(self._components, len(self._components))
            if (component := self._bag.pop()) not in chosen:
                chosen.append(component)
        return chosen

    def _until_fresh(self, reader: Reader, after: float, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while not (reader.all_fresh(after, self._fresh) and all(each.fresh(after) for each in self._sinks)):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def reboot(user: Pipectl, *arguments: str) -> None:
    """End every process of a bundle at once, and deploy again with these arguments. The job goes on from its
    checkpoint.
    """
    for process in user.processes():
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    user.run("deploy", "--yes", *arguments)
    (job,) = user.api("service/volatility-flink/jobs/overview")["jobs"]
    checkpoints = user.api(f"service/volatility-flink/jobs/{job['jid']}/checkpoints")
    assert "/chk-" in checkpoints["latest"]["restored"]["external_path"]


def settle(
    cluster: Cluster, ledger: Ledger, report: Report, patience: float = 180.0, sinks: Sequence[Sink] = ()
) -> Report:
    """Stop the load, wait for the windows that are due, and fill in what the topics and the stores hold."""
    cluster.scale("data-generator", 0)
    last_words = ledger.wait_for_last_words()
    symbols = tuple(sorted(cluster.positions))
    where = cluster.bootstrap_servers, cluster.prefix
    logs = {symbol: ticks_of(where[0], symbol, where[1]) for symbol in symbols}
    due = set().union(*(owed(logs[each], each, cluster.rules).due() for each in symbols))
    deadline = time.monotonic() + patience
    written = Tail(where[0], f"{where[1]}movingaverage")
    while not due <= {*map(key_of, written.documents())} and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    written.close()
    found = recount(where[0], symbols, cluster.rules, prefix=where[1], ended=True)
    report.recount, report.account = found, ledger.account(found.ticks, last_words)
    for sink in sinks:
        report.stored |= sink.differences(patience)
    return report
