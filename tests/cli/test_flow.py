"""`watch`, `limits` and `status` on real records in Kafka, without the rest of the bundle."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.commands.status import _show_problems, _show_unexplained
from cli.errors import WaitTimeout
from cli.live_config import LiveConfig
from cli.verify import fresh_records
from kafka_topic.contracts import DeadLetter, MovingAverage, Signal
from kafka_topic.names import Topics
from kafka_topic.trouble import Trouble
from tests import group_offsets
from tests.cli.invoking import invoke

pytestmark = pytest.mark.slow
_NUMBERS = itertools.count()


class Bundle:
    """A bundle with two positions and their topics."""

    def __init__(self, kafka: Any, home: Path) -> None:
        self.kafka, self.home = kafka, home
        self.topics = Topics(f"flow{next(_NUMBERS)}.")
        kafka.create(self.topics.moving_average, self.topics.signals, self.topics.dead_letter)
        kafka.create(self.topics.limits, partitions=2)

    def send(self, topic: str, *values: tuple[str, bytes]) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "enable.idempotence": True})
        for key, value in values:
            producer.produce(topic, value, key)
        assert producer.flush(20) == 0

    def run(self, *args: str, code: int = 0, **settings: str) -> Result:
        all_settings = {
            "group": f"/{self.topics.prefix.strip('.')}",
            "positions": "[AAPL, MSFT]",
            "topics.prefix": self.topics.prefix,
            "kafka.bootstrap_servers": self.kafka.bootstrap_servers,
            **settings,
        }
        given = [part for key, value in all_settings.items() for part in ("--set", f"{key}={value}")]
        return invoke(self.home, *args, *given, code=code)

    def refused(self, *args: str, code: int = 2, **settings: str) -> str:
        """What a command says that ends with an error: message and next step."""
        error: Any = self.run(*args, code=code, **settings).exception
        return f"{error.message}; {getattr(error, 'hint', '')}"

    def records(self, *args: str, **settings: str) -> list[dict[str, Any]]:
        output = self.run(*args, "-o", "json", **settings).output
        return [json.loads(line) for line in output.splitlines()]

    def json(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.run(*args, "-o", "json", code=code).output)


@pytest.fixture
def bundle(kafka: Any, local_home: Path) -> Bundle:
    return Bundle(kafka, local_home)


def window(symbol: str, end: datetime, seconds: int) -> MovingAverage:
    start = end - timedelta(seconds=seconds)
    return MovingAverage(symbol, start, end, 2, 1.0, 1.0, 3.0, 2.0, 1.5, 75.0, {"median": 2.0})


NOW = datetime.now(UTC).replace(microsecond=0)
SIGNAL = Signal(
    *("limit", "likely", "AAPL", NOW, "10m", "buy", 96.2, 0.61, 0.5, 0.61, 300.0, 75.0),
    "It is likely that 95 is reached within 5m.",
)
LETTER = DeadLetter("position.AAPL", 0, 17, "wrong_type", "price is a text", NOW, b'{"price": "1\n\x1b[31m"}')


def test_all_windows_are_watched_or_one(bundle: Bundle) -> None:
    written = [window(symbol, NOW, seconds) for seconds in (10, 60) for symbol in ("AAPL", "MSFT")]
    bundle.send(bundle.topics.moving_average, *((each.symbol, each.to_json()) for each in written))
    watch = ("watch", "--from-beginning", "--timeout", "20", "--count")
    assert bundle.records(*watch, "4") == [json.loads(each.to_json()) for each in written]
    assert bundle.records(*watch, "2", "--window", "60s") == [json.loads(e.to_json()) for e in written[2:]]
    one = ("--window", "1m", "--position", "MSFT")
    (line,) = bundle.records(*watch, "1", *one)
    assert (line["symbol"], line["window"], line["median"]) == ("MSFT", "1m", 2.0)
    table = bundle.run(*watch, "1", *one).output.splitlines()
    assert table[0].split("\t")[:3] == ["symbol", "window", "window end (UTC)"]
    assert table[1].split("\t")[:2] == ["MSFT", "1m"]


def test_signals_are_watched(bundle: Bundle) -> None:
    other = replace(SIGNAL, symbol="MSFT")
    bundle.send(bundle.topics.signals, ("AAPL", SIGNAL.to_json()), ("MSFT", other.to_json()))
    watch = ("watch", "signals", "--from-beginning", "--timeout", "20", "--count")
    assert bundle.records(*watch, "2") == [json.loads(each.to_json()) for each in (SIGNAL, other)]
    (row,) = bundle.run(*watch, "1", "--position", "MSFT").output.splitlines()[1:]
    assert row.split("\t")[1:] == ["MSFT", "limit", "likely", "buy", "96.2", SIGNAL.reason]


def test_dead_letters_are_watched_and_cannot_drive_the_terminal(bundle: Bundle) -> None:
    letter = replace(LETTER, topic=bundle.topics.position("AAPL"))
    empty = replace(LETTER, topic=bundle.topics.position("MSFT"), value=None, detail="")
    bundle.send(bundle.topics.dead_letter, ("AAPL", letter.to_json()), ("MSFT", empty.to_json()))
    watch = ("watch", "dead-letters", "--from-beginning", "--timeout", "20", "--count")
    assert bundle.records(*watch, "2") == [json.loads(each.to_json()) for each in (letter, empty)]
    assert bundle.records(*watch, "1", "--position", "MSFT") == [json.loads(empty.to_json())]
    first, second = (row.split("\t")[1:] for row in bundle.run(*watch, "2").output.splitlines()[1:])
    assert first == ["AAPL", "0:17", "wrong_type", "price is a text", '{"price": "1��[31m"}']
    assert second == ["MSFT", "0:17", "wrong_type", "-", "-"]


def test_what_cannot_be_watched_is_named(bundle: Bundle) -> None:
    assert "signals have no windows" in bundle.refused("watch", "signals", "--window", "1m")
    said = bundle.refused("watch", "--window", "30s")
    assert "no window 30s in this bundle; the windows are 10s, 1m, 10m" in said
    assert "--set gatherer.windows.30s=" in said
    assert "'soon' is not the length of a window" in bundle.refused("watch", "--window", "soon")
    said = bundle.refused("watch", "signals", "--position", "APPL")
    assert "no position APPL in this bundle; the positions are AAPL, MSFT; did you mean AAPL?" in said
    said = bundle.refused("watch", "signals", "--timeout", "0.3", code=3)
    assert "no record came in topic" in said and "pipectl limits set" in said
    bundle.kafka.delete(bundle.topics.signals)
    assert "does not exist" in bundle.refused("watch", "signals", code=1)


def test_limits_are_set_listed_and_cleared(bundle: Bundle) -> None:
    assert bundle.json("limits", "list") == []
    assert "No limits are set" in bundle.run("limits", "list").output
    (first,) = bundle.json("limits", "set", "AAPL", "--buy", "95", "--sell", "110.5", "--horizon", "10m")
    assert (first["symbol"], first["buy"], first["sell"], first["horizon_seconds"]) == (
        "AAPL",
        95,
        110.5,
        600,
    )
    both = bundle.json("limits", "set", "AAPL", "MSFT", "AAPL", "--probability", "0.7")
    assert [(each["symbol"], each["buy"], each["probability"]) for each in both] == [
        ("AAPL", 95, 0.7),
        ("MSFT", None, 0.7),
    ]
    assert bundle.json("limits", "list") == both
    rows = [line.split() for line in bundle.run("limits", "list").output.splitlines()[1:]]
    assert [row[:8] for row in rows] == [
        ["AAPL", "95", "110.5", "0.7", "600", "-", "-", "-"],
        ["MSFT", "-", "-", "0.7", "-", "-", "-", "-"],
    ]
    assert bundle.json("limits", "clear", "MSFT") == {"cleared": ["MSFT"]}
    assert bundle.run("limits", "clear", "MSFT").output == "No limits were set.\n"
    assert bundle.run("limits", "clear", "--all").output == "Cleared AAPL.\n"
    assert bundle.json("limits", "list") == []


NOT_MEANT: list[tuple[list[str], str]] = [
    (["set", "AAPL"], "nothing to set; name a limit"),
    (
        ["set", "APPL", "--buy", "1"],
        "no position APPL in this bundle; the positions are AAPL, MSFT; did you mean AAPL?",
    ),
    (["set", "MSFT", "--buy", "100"], "limits of MSFT: field 'buy' must be below sell, 100; it is 100"),
    (["set", "AAPL", "MSFT", "--buy", "120"], "limits of MSFT: field 'buy' must be below sell, 100"),
    (["set", "AAPL", "--buy", "-1"], "field 'buy' must be above 0"),
    (["set", "AAPL", "--sell", "nan"], "field 'sell' must be finite"),
    (["set", "AAPL", "--probability", "1.5"], "field 'probability' must lie between 0 and 1"),
    (
        ["set", "AAPL", "--regime-low", "2"],
        "the low regime, 2 %, must be below the high one, 0.2 %; set both",
    ),
    (
        ["set", "AAPL", "--regime-high", "0.1"],
        "the low regime, 0.12 %, must be below the high one, 0.1 %",
    ),
    (["set", "AAPL", "--horizon", "soon"], "expected a duration"),
    (["set", "AAPL", "--horizon", "0s"], "field 'horizon_seconds' must be above 0"),
    (["clear"], "name positions, or use --all"),
    (["clear", "MSFT", "--all"], "name positions, or use --all"),
    (["clear", "TSLA"], "no position TSLA in this bundle; the positions are AAPL, MSFT"),
]


def test_limits_that_cannot_be_meant_are_refused_and_nothing_is_set(bundle: Bundle) -> None:
    bundle.run("limits", "set", "MSFT", "--sell", "100")
    before = bundle.json("limits", "list")
    for args, said in NOT_MEANT:
        assert said in bundle.refused("limits", *args), args
    assert bundle.json("limits", "list") == before


def test_both_regime_thresholds_may_leave_the_bundles(bundle: Bundle) -> None:
    (found,) = bundle.json("limits", "set", "AAPL", "--regime-low", "2", "--regime-high", "3")
    assert (found["regime_low"], found["regime_high"]) == (2, 3)


def test_limits_of_a_position_that_is_gone_can_be_cleared(bundle: Bundle) -> None:
    bundle.run("limits", "set", "MSFT", "--sell", "100")
    assert "MSFT" in bundle.run("limits", "list", positions="[AAPL]").output
    assert bundle.run("limits", "clear", "MSFT", positions="[AAPL]").output == "Cleared MSFT.\n"


def test_limits_that_cannot_be_read_are_named_with_the_way_out(bundle: Bundle) -> None:
    bundle.send(bundle.topics.limits, ("MSFT", b"95"))
    assert "clear the limits of MSFT" in bundle.refused("limits", "list", code=1)
    assert bundle.run("limits", "clear", "MSFT").output == "Cleared MSFT.\n"
    bundle.kafka.delete(bundle.topics.limits)
    assert "does not exist" in bundle.refused("limits", "list", code=1)


def test_status_shows_dead_letters_and_goes_by_the_shortest_window(bundle: Bundle) -> None:
    bundle.kafka.create(*map(bundle.topics.position, ("AAPL", "MSFT")))
    assert bundle.json("status", code=4)["dead_letters"] == {"total": 0, "complete": True, "by_reason": {}}
    assert "Dead letters: none\n" in bundle.run("status", code=4).output
    letter = replace(LETTER, topic=bundle.topics.position("AAPL"))
    late = replace(letter, reason="late")
    bundle.send(bundle.topics.dead_letter, *(("AAPL", each.to_json()) for each in (late, letter, late)))
    old, new = NOW - timedelta(hours=1), datetime.now(UTC)
    bundle.send(
        bundle.topics.moving_average,
        ("AAPL", window("AAPL", old, 10).to_json()),
        ("AAPL", window("AAPL", new, 60).to_json()),
        ("MSFT", window("MSFT", new, 10).to_json()),
    )
    status = bundle.json("status", code=4)
    assert status["dead_letters"] == {
        "total": 3,
        "complete": True,
        "by_reason": {"wrong_type": 1, "late": 2},
    }
    assert [each["state"] for each in status["positions"]] == ["stale", "fresh"]
    assert "Dead letters: 1 wrong_type, 2 late\n" in bundle.run("status", code=4).output


def commit(bundle: Bundle, symbol: str, **problem: str) -> None:
    """What the gatherer's group commits for partition 0 of a position; problem: what it says of it."""
    group, topic = f"{bundle.topics.prefix.strip('.')}.gatherer", bundle.topics.position(symbol)
    servers = bundle.kafka.bootstrap_servers
    group_offsets.commit(servers, group, topic, 0, 0, group_offsets.told(**problem))


def test_status_names_what_is_wrong_with_a_position_and_the_next_step(bundle: Bundle) -> None:
    aapl, msft = (bundle.topics.position(symbol) for symbol in ("AAPL", "MSFT"))
    bundle.kafka.create(aapl)
    now = datetime.now(UTC)
    bundle.send(
        bundle.topics.moving_average,
        *((symbol, window(symbol, now, 10).to_json()) for symbol in ("AAPL", "MSFT")),
    )
    commit(bundle, "AAPL", problem="lost", detail="17 records", since="2026-11-22 01:02:03.004")
    found = bundle.json("status", code=4)["positions"]
    assert [each["state"] for each in found] == ["fresh", "unreadable"]
    assert found[0]["problem"] == {
        "code": "lost",
        "topic": aapl,
        "partition": 0,
        "detail": "17 records",
        "since": "2026-11-22 01:02:03.004",
        "text": f"partition 0 of {aapl} lost records: 17 records (since 2026-11-22 01:02:03.004 UTC)",
        "next": "keep prices longer than the gatherer may be down: raise `topics.retention.prices`",
    }
    assert (found[1]["problem"]["code"], found[1]["problem"]["partition"]) == ("gone", None)
    said = bundle.run("status", code=4).output
    assert f"AAPL: {found[0]['problem']['text']}\nnext:  keep prices longer" in said
    assert f"MSFT: {msft} does not exist\nnext:  `pipectl deploy` creates" in said
    bundle.kafka.create(msft)
    commit(bundle, "AAPL")
    commit(bundle, "MSFT", problem="corrupt")
    found = bundle.json("status", code=4)["positions"]
    assert [each["state"] for each in found] == ["fresh", "unreadable"]
    assert [each["problem"] and each["problem"]["code"] for each in found] == [None, "corrupt"]


def test_positions_with_the_same_problem_are_reported_together(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Trouble("codec", "prices", 2).fields()
    shared = [{"symbol": f"S{number}", "state": "unreadable", "problem": problem} for number in range(7)]
    _show_problems([*shared, {"symbol": "AAPL", "state": "fresh", "problem": None}], str)
    first, following, *_ = capsys.readouterr().out.splitlines()
    assert first == f"S0, S1, S2, S3, S4 and 2 more: {problem['text']}"
    assert following.startswith("next:  ")


def test_windows_that_stay_away_for_no_known_reason_are_named_with_the_places_to_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    healthy, ill = ([{"name": "gatherer", "state": state}] for state in ("healthy", "unhealthy"))
    problem = Trouble("codec", "prices", 2).fields()
    stale, known, fresh, ahead, never = (
        {"symbol": symbol, "state": state, "problem": found, "age_seconds": age}
        for symbol, state, found, age in (
            *(("A", "stale", None, 90.0), ("B", "stale", problem, 90.0), ("C", "fresh", None, 2.0)),
            *(("D", "stale", None, -90.0), ("E", "stale", None, None)),
        )
    )
    for positions, components in (([stale, known, fresh], ill), ([known, fresh, ahead], healthy)):
        _show_unexplained(positions, components, str)
        assert capsys.readouterr().out == ""
    _show_unexplained([stale, known, fresh, ahead, never], healthy, str)
    first, following, *_ = capsys.readouterr().out.splitlines()
    assert first == "A, E: no new windows, though every component is healthy"
    assert following.startswith("next:  if the lag grows, `pipectl logs flink-taskmanager` says")
    assert following.endswith("no usable ticks come: see the dead letters")
    _show_unexplained([stale], [*healthy, {"name": "data-generator", "state": "healthy"}], str)
    assert "see `pipectl logs data-generator` and the dead letters" in capsys.readouterr().out


def test_a_deploy_that_waits_in_vain_names_what_is_wrong(bundle: Bundle) -> None:
    bundle.kafka.create(*map(bundle.topics.position, ("AAPL", "MSFT")))
    config = LiveConfig(
        positions=("AAPL", "MSFT"),
        prefix=bundle.topics.prefix,
        bootstrap_servers=bundle.kafka.bootstrap_servers,
        group=f"{bundle.topics.prefix.strip('.')}.gatherer",
        windows=("10s",),
        signals={},
    )
    second = timedelta(seconds=1)

    def refused() -> Any:
        with pytest.raises(WaitTimeout) as caught:
            fresh_records(
                config,
                since=datetime.now(UTC),
                max_age=second,
                timeout=second,
                report=lambda text: None,
            )
        return caught.value

    assert "of AAPL, MSFT on" in refused().message
    commit(bundle, "MSFT", problem="denied", detail="not authorised")
    error = refused()
    assert error.message.endswith("does not allow the gatherer to read it: not authorised")
    assert error.hint.startswith("allow its user to read: `kafka-acls.sh")
