"""The goals of the benchmarks of speed, and whether figures meet them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from results import Table


@dataclass(frozen=True)
class Goal:
    """What the median of a variant has to be, or its ratio to the first variant of its table.

    limit: of a cost the most, otherwise the least; with `other_way`, the other one. in_the_way: why it is
    missed, for a report in which it is.
    """

    table: str
    variant: str
    limit: float
    is_ratio: bool = False
    other_way: bool = False
    in_the_way: str = ""

    @property
    def _because(self) -> str:
        return f": {self.in_the_way}" if self.in_the_way else ""

    def line(self, table: Table) -> str:
        """What the report says about it."""
        if self.variant not in table.rounds:
            return f"- {table.title}, {self.variant}: no figure{self._because}."
        number = (table.ratios() if self.is_ratio else table.medians)[self.variant]
        is_most = table.is_cost != self.other_way
        is_met = number <= self.limit if is_most else number >= self.limit
        limit = f"{'at most' if is_most else 'at least'} {self.limit:,.3g}"
        if self.is_ratio:
            limit += f" times that of {next(iter(table.rounds))}"
        else:
            limit += f" {table.unit}"
        figure = f"{number:,.2f}" if number < 100 else f"{number:,.0f}"
        verdict = "met" if is_met else f"missed{self._because}"
        return f"- {table.title}, {self.variant}: {limit}. It is {figure}: {verdict}."


def _ratio(table: str, variant: str, limit: float, other_way: bool = False, in_the_way: str = "") -> Goal:
    return Goal(table, variant, limit, True, other_way, in_the_way)


_PER_TICK = (
    "half of its CPU is that of a bare read (two fifths in the long run), and a fifth Python's; parsing, "
    "exact sums, the counts of prices for the median, and the start and end of the job are the rest"
)
_OTHERS_WINDOWS = "its windows are not those of the gatherer (see below), and the cause is not known"
_CORES = "two slots use up two cores, which broker, JobManager and other programs share with them"
_COMMANDS = "what is left is imports, templates, and the commands of `dcos`"
_STARTS = "both cores are busy with the starts of Kafka, Flink, the job and the page"
_BUSY = "broker, Chromium without a GPU, and server fill both cores; the page's main thread is a third busy"
_RESTS = "ticks wait up to 50 ms for others, and up to 50 ms between two polls, which spares the broker"
# Of the 60 frames of a second, counting may miss a half: it starts and ends between two.
_FRAMES = 59.5
GOALS: Mapping[str, tuple[Goal, ...]] = {
    "ticks": (
        _ratio("cpu", "SQL", 3, True, _PER_TICK),
        _ratio("cpu", "DataStream", 2, True, _PER_TICK),
        _ratio("throughput", "bare read", 1 / 0.6, True),
        _ratio("throughput", "parse and discard", 1 / 0.9, True),
        _ratio("throughput", "SQL", 1 / 2, True),
        _ratio("throughput", "DataStream", 1 / 1.5, True),
        _ratio("throughput", "Kafka Streams", 1 / 4, True),
        _ratio("throughput", "Spark", 1 / 4, True),
        _ratio("throughput", "bytewax", 1 / 6, True),
        _ratio("throughput", "Pathway", 1 / 10, True, _OTHERS_WINDOWS),
        _ratio("throughput", "quixstreams", 1 / 40, True, _OTHERS_WINDOWS),
    ),
    "long": (
        _ratio("cpu", "SQL", 3, True, _PER_TICK),
        _ratio("cpu", "DataStream", 2, True, _PER_TICK),
        _ratio("throughput", "SQL", 1 / 2, True),
        _ratio("throughput", "DataStream", 1 / 1.5, True),
    ),
    "python": (
        Goal(
            "cpu",
            "default statistics",
            50,
            in_the_way="half of it computes, checks and writes records; the rest of the profile is flat",
        ),
    ),
    "positions": (
        _ratio("positions-ticks-per-second", "5,000 positions", 0.5),
        _ratio("positions-state", "5,000 positions", 1.1),
    ),
    "window": (
        _ratio("panes-ticks-per-second", "600 panes a window", 0.5),
        _ratio("panes-state", "600 panes a window", 110),
    ),
    "slots": (_ratio("slots-ticks-per-second", "2 slots", 1.7, in_the_way=_CORES),),
    "many": (_ratio("median", "quarter 4", 1.25, in_the_way="the job does not keep up"),),
    "latency": (
        Goal("p99", "1,000 ticks/s, at-least-once", 0.75, in_the_way=_RESTS),
        Goal("p99", "50,000 ticks/s, at-least-once", 0.75),
        Goal("p99", "1,000 ticks/s, exactly-once", 1.75),
        Goal("p99", "50,000 ticks/s, exactly-once", 1.75),
    ),
    "generator": (_ratio("throughput", "generator", 0.7),),
    "page": tuple(
        goal
        for view in ("overview", "overview, scrolled", "position")
        for goal in (
            Goal("frames", view, _FRAMES, in_the_way=_BUSY),
            Goal("gaps", view, 50, in_the_way=_BUSY),
        )
    ),
    "commands": (
        Goal("seconds", "--help", 0.2),
        Goal("seconds", "deploy", 20, in_the_way=_STARTS),
        Goal("seconds", "deploy without changes", 2, in_the_way=_COMMANDS),
        Goal("seconds", "status", 2, in_the_way=_COMMANDS),
        Goal("seconds", "destroy", 10),
    ),
}


def verdicts(benchmark: str, tables: Iterable[Table]) -> list[str]:
    """A line for each goal of a benchmark whose table there is."""
    found = {table.name: table for table in tables}
    return [goal.line(found[goal.table]) for goal in GOALS.get(benchmark, ()) if goal.table in found]
