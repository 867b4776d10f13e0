"""Everything that the deployed job wrote, recomputed from the topics by the model of its rule."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.gatherer.bundle import committed
from tests.gatherer.exact import Key, key_of
from tests.gatherer.model import Faults, Outcome, Record, Rules, check_letters, faults, outcome


@dataclass(frozen=True)
class Recount:
    """What the topics held. ticks: the committed records of each position, in order. due: the windows that
    had to be there.
    """

    ticks: dict[str, list[Record]]
    due: set[Key]
    faults: Faults
    letters: list[str]
    """What is wrong with the dead letters."""


def averages(servers: str, prefix: str = "") -> list[dict[str, Any]]:
    found = committed(servers, f"{prefix}movingaverage")
    assert all(json.loads(each.value())["symbol"].encode() == each.key() for each in found)
    return [json.loads(each.value()) for each in found]


def ticks_of(servers: str, symbol: str, prefix: str = "") -> list[Record]:
    """The committed records of a position, those of each partition in order."""
    return [
        Record(each.topic(), each.partition(), each.offset(), each.timestamp()[1], each.value())
        for each in committed(servers, f"{prefix}position.{symbol}")
    ]


def owed(ticks: list[Record], symbol: str, rules: Rules) -> Outcome:
    partitions: dict[int, list[Record]] = {}
    for record in ticks:
        partitions.setdefault(record.partition, []).append(record)
    return outcome(symbol, partitions.values(), rules)


def recount(
    servers: str, symbols: tuple[str, ...], rules: Rules, *, prefix: str = "", ended: bool = False
) -> Recount:
    """Compare all that the job wrote of these symbols with the model.

    ended: no more ticks come, so what the log makes due must be there. While ticks flow, what must be there
    is what ends before the newest window of its position.
    """
    written = [record for record in averages(servers, prefix) if record["symbol"] in symbols]
    letters = [json.loads(each.value()) for each in committed(servers, f"{prefix}dead_letter")]
    # Read after them: every tick of what was written is there.
    ticks = {symbol: ticks_of(servers, symbol, prefix) for symbol in symbols}
    outcomes = {symbol: owed(ticks[symbol], symbol, rules) for symbol in symbols}
    if ended:
        due = set().union(*(each.due() for each in outcomes.values()))
    else:
        # Each position has a clock of its own: its windows are there up to its newest.
        newest: dict[str, datetime] = {}
        for symbol, _, end in map(key_of, written):
            newest[symbol] = max(end, newest.get(symbol, end))
        assert newest.keys() == {*symbols}
        due = {key for symbol in symbols for key in outcomes[symbol].windows if key[2] <= newest[symbol]}
    topics = {f"{prefix}position.{symbol}" for symbol in symbols}
    wrong = []
    try:
        check_letters([each for each in letters if each["topic"] in topics], outcomes.values())
    except AssertionError as error:
        wrong.append(str(error))
    return Recount(ticks, due, faults(written, outcomes.values(), due), wrong)
