"""Mistakes in the settings are reported with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from marathon.errors import Problem
from marathon.settings import Settings
from tests.settings import load_settings

Mistakes = Callable[..., list[Problem]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("flink.taskmanager.slotz=2", 'flink.taskmanager.slotz: unknown key; did you mean "slots"?'),
        ("slots=2", "slots: unknown key; did you mean flink.taskmanager.slots?"),
        ("xyz=2", "xyz: unknown key"),
        ("flink.state.folder=x", 'flink.state: expected text, got {"folder": "x"}'),
        ("flink=null", "flink: expected a mapping of settings, got null"),
        ("generator=5", "generator: expected a mapping of settings, got 5"),
        ("kafka.options={x: 1, x: 2}", "x: written twice"),
        ("positions=[A, !b C]", "[1]: the tag !b is not supported"),
        ("kafka.options=[]", "kafka.options: expected a mapping, got []"),
        ("group=volatility", "group: 'volatility' is not a group path"),
        ("group=/Vola tility", 'write "/vola-tility"'),
        ("group=/", 'write, for example, "/volatility"'),
        ("python=null", "python: expected text, got null"),
        ("python=", "python: must not be empty"),
        ("positions=[]", "positions: must not be empty"),
        ("positions=AAPL", 'positions: expected a list, got "AAPL"'),
        (
            "positions=[AAPL, EUR/USD]",
            "positions[1]: 'EUR/USD' is not a symbol: use letters, digits, '.', '_' and '-'; write",
        ),
        (
            "positions=[BRK.B, BRK_B]",
            "positions[1]: BRK_B differs from BRK.B only in '.' and '_', which collide in Kafka's",
        ),
        ("positions=[[1]]", "positions[0]: expected text, got [1]"),
        ("positions=[A, B, A]", "positions[2]: A is listed twice"),
        ("dcos.timeout=60", 'dcos.timeout: expected a duration such as "500ms", "10s"'),
        ("dcos.timeout=0s", "dcos.timeout: must be more than 0s"),
        ("kafka.service=Kafka", "kafka.service: 'Kafka' is not a service name"),
        ("kafka.host=a:1", "kafka.host: 'a:1' is not a host name; set the port separately"),
        ("kafka.port=70000", "kafka.port: must be at most 65535, got 70000"),
        ("kafka.port=0", "kafka.port: kafka.host needs a port"),
        ("kafka.bootstrap_servers=a,b:2", "kafka.bootstrap_servers: 'a' is not host:port"),
        ("kafka.bootstrap_servers=a:99999", "kafka.bootstrap_servers: 'a:99999' is not host:port"),
        ("notebooks.users=[Ann]", "notebooks.users[0]: 'Ann' is not the name of a user; use up to 64 lower"),
        ("notebooks.users=[../ann]", "notebooks.users[0]: '../ann' is not the name of a user"),
        ("notebooks.users=[ann, ann]", "notebooks.users"),
        ("notebooks.login_keys={keys: [{kty: EC}]}", "notebooks.login_keys: not the keys of a login; write"),
        ("topics.prefix=a b", "topics.prefix: 'a b' is not a topic prefix"),
        ("topics.prefix=position.x", "topics.prefix: with 'position.x', other topics look like positions"),
        (f"positions=[{'A' * 300}]", "positions[0]: 'AAAAAAAAAAAAAAAAAAAA'… has 300 characters"),
        ("gatherer.windows.10s=0.1ms", "gatherer.windows.10s: 0.1ms is not a whole number of milliseconds"),
        ("topics.partitions=1.5", "topics.partitions: expected a whole number, got 1.5"),
        ("spark.report.cpus=0.0078125", "spark.report.cpus: must be at least 0.01, got 0.0078125"),
        ("mysql.cpus=0.001", "mysql.cpus: must be at least 0.01, got 0.001"),
        ("sink.cpus=0.001", "sink.cpus: must be at least 0.01, got 0.001"),
        ("areas.position.cpus=1", "areas.position: with 'position.', other topics look like positions"),
        ("topics.partitions=true", "topics.partitions: expected a whole number, got true"),
        (
            "topics.replication=2",
            "topics.replication: 2 replicas of each topic need 2 brokers; kafka.brokers is 1",
        ),
        ("generator.model=gmb", "generator.model: must be one of regimes, gbm, ou, uniform, normal, got"),
        ("generator.model=gmb", '; did you mean "gbm"?'),
        ("gatherer.idle_timeout=1900ms", "gatherer.idle_timeout: must be at least 2s, got 1900ms"),
        ("generator.rate=0", "generator.rate: must be more than 0, got 0"),
        (
            "generator.start_price=0.00002",
            "generator.start_price: must be at least 0.01 and below 1e9, got 0.00002",
        ),
        (
            "generator.start_price=1e9",
            "generator.start_price: must be at least 0.01 and below 1e9, got 1000000000",
        ),
        (
            "generator.start_price=1.005",
            "generator.start_price: prices have two decimals, got 1.005; write 1.0",
        ),
        (
            "generator.start_prices.MSFT=0.004",
            "generator.start_prices.MSFT: must be at least 0.01 and below 1e9",
        ),
        (
            "generator={start_prices: {MSFT: 0.02}, model: ou}",
            "generator.start_prices.MSFT: a price of 0.02 with a volatility of 0.2 moves by 0.004",
        ),
        (
            "generator={start_prices: {MSFT: 0.5}, model: gbm}",
            "generator.start_prices.MSFT: a price of 0.5 with a volatility of 0.2 moves by 0.0052",
        ),
        (
            "generator.volatility=1e-6",
            "generator.volatility: a price of 165 with a volatility of 1e-06 moves by 0.00016, which",
        ),
        (
            "generator={start_prices: {MSFT: 0.05}, model: uniform, volatility: 0.5}",
            "start_prices.MSFT: a price of 0.05 with a volatility of 0.5 gives the model uniform prices",
        ),
        (
            "initial_limits={MSFT: {buy: 5, sell: 4}}",
            "initial_limits.MSFT: the buy limit, 5, must be below the sell limit, 4",
        ),
        (
            "initial_limits={MSFT: {by: 5}}",
            "initial_limits.MSFT.by: unknown key",
        ),
        ("generator.rate=fast", 'generator.rate: expected a number, got "fast"'),
        (
            "generator={model: uniform, volatility: 0.6}",
            "generator.volatility: with a volatility of 0.6, the",
        ),
        (
            "flink.token.secret=null",
            "flink.token.secret: Flink needs one token: name a secret of the cluster",
        ),
        ("flink.token.file=/etc/token", "flink.token.file: Flink needs one token: name a secret of the"),
        ("sources.replay.files=[AAPL.csv]", "sources.replay.files[0]: 'AAPL.csv' is not an absolute path"),
        ("sources.replay.time_zone=New York", "sources.replay.time_zone: 'New York' is not a time zone"),
        ("sources.replay.time_zone=America", "sources.replay.time_zone: 'America' is not a time zone"),
        (f"sources.replay.time_zone={'x' * 300}", "is not a time zone"),
        ("sources.replay.since='2020-13-45'", "sources.replay.since: '2020-13-45' is not a date"),
        ("sources.replay.time_format='%Q'", "sources.replay.time_format: '%Q' is not a form of times"),
        ("sources.replay.time_format='Y-m-d'", "sources.replay.time_format: 'Y-m-d' has no field of a time"),
        ("spark.secret_file=secret", "spark.secret_file: 'secret' is not an absolute path of a file; write"),
        ("flink.token.file=token", "flink.token.file: 'token' is not an absolute path of a file; write it"),
        ("flink.state=/tmp/x", "flink.state: '/tmp/x' is not a URI with a path; write hdfs://"),
        ("flink.state=file://tmp/x", "flink.state: 'file://tmp/x' is not a URI with a path"),
        ("flink.state=hfds://a/b", 'flink.state: Flink has no file system for hfds://; did you mean "hdfs"?'),
        (
            "flink.state=ftp://a/b",
            "flink.state: Flink has no file system for ftp://; the file systems are",
        ),
        ("flink.state=s3://bucket", "flink.state: 's3://bucket' is not a URI with a path"),
        ("flink.parallelism=129", "flink.parallelism: must be at most 128, got 129"),
        ("flink.jobmanager.mem=700", "flink.jobmanager.mem: must be at least 768, got 700"),
        (
            "flink.taskmanager.mem=1279",
            "mem: 1279 MiB is too little for a TaskManager with 1 slot; set flink.taskmanager.mem to 1280 or",
        ),
        (
            "flink.taskmanager.slots=5",
            "slots: 2048 MiB is too little for a TaskManager with 5 slots; set flink.taskmanager.mem to 2304",
        ),
        (
            f"positions=[{', '.join(f'P{number}' for number in range(3000))}]",
            "positions: 2048 MiB is too little for a TaskManager with 1 slot and 3000 positions; set",
        ),
        (
            "flink.taskmanager.python_mem=1100",
            "python_mem: 2048 MiB is too little for a TaskManager with 1 slot; set flink.taskmanager.mem to",
        ),
        ("webhook.url=host/signals", "webhook.url: not a web address; write, for example"),
        (
            "webhook.url=https://me:hush@host",
            "webhook.url: a web address must not hold a login; the receiver",
        ),
        (
            "webhook.url=https://host/signals?code=hush",
            "webhook.url: a web address with a query may hold a secret, which everybody would read; put the",
        ),
        ("webhook.url=https://host/#hush", "webhook.url: a web address with a query may hold a secret"),
        (
            "webhook={url: https://host/signals, url_secret: a/url}",
            "webhook.url_secret: the address of the webhook is given twice; remove url or url_secret",
        ),
        ("sink.source=price", "sink.source: must be one of"),
        (
            "dashboard.clusters={dev: dev.example.com}",
            "dashboard.clusters.dev: 'dev.example.com' is not the address of a page; write",
        ),
        ("dashboard.clusters={dev: 'https://dev/?a'}", "'https://dev/?a' must end with a plain path; write"),
        (
            "dashboard.clusters={dev: 'https://dev/; x'}",
            "'https://dev/; x' must end with a plain path; write",
        ),
        ("flink.s3.endpoint=minio:9000", "flink.s3.endpoint: 'minio:9000' is not the URL of a store; write"),
        (
            "flink.s3.endpoint=http://k:s@minio:9000",
            "flink.s3.endpoint: 'http://k:s@minio:9000' is not the URL of",
        ),
        ("flink.s3.endpoint=http://minio/bucket", "has more than a host and a port; name the bucket in"),
        (
            "flink.s3.access_key=a/b",
            "flink.s3.access_key: access_key and secret_key must be set together",
        ),
        (
            "flink.jobmanager.rest_port=6123",
            "flink.jobmanager.rest_port: rpc_port and rest_port are both 6123",
        ),
        (
            "gatherer.window=10s",
            "gatherer.window: unknown key; write gatherer.windows: {10s: 1s}, length and slide",
        ),
        ("gatherer.slide=1s", "gatherer.slide: unknown key; write gatherer.windows: {10s: 1s}, length and"),
        (
            "gatherer.windows.10500ms=1s",
            "the window 10500ms is not a multiple of its slide, 1s; write",
        ),
        (
            "gatherer.windows.1m=2m",
            "the window 1m is not a multiple of its slide, 2m; write",
        ),
        (
            "gatherer.windows.15s=1500ms",
            "gatherer.windows.15s: the slide 1500ms of the window 15s is not a multiple of the shortest "
            "slide, 1s; write 1s",
        ),
        ("gatherer.windows.60s=5s", "gatherer.windows.60s: '60s' is not in its shortest form"),
        ("gatherer.windows.60s=null", "gatherer.windows.60s: '60s' is not in its shortest form"),
        ("gatherer.windows.long=5s", "gatherer.windows.long: expected a duration such as"),
        ("gatherer.windows.30s=0s", "gatherer.windows.30s: must be more than 0s"),
        ("gatherer.windows.30s=5", "gatherer.windows.30s: expected a duration such as"),
        ("gatherer.windows=10s", 'gatherer.windows: expected a mapping, got "10s"'),
        ("gatherer.windows={10s: null, 1m: null, 10m: null}", "gatherer.windows: must not be empty; write"),
        (
            "gatherer.windows.10m=null",
            "gatherer.windows.10m: signals.limit.window is 10m, which is not one of gatherer.windows; there "
            "are 10s, 1m",
        ),
        (
            "signals.anomaly.window=30s",
            "signals.anomaly.window: signals.anomaly.window is 30s, which is not one of gatherer.windows",
        ),
        (
            "signals.limit.window=600s",
            "signals.limit.window: '600s' is not in its shortest form; write \"10m\"",
        ),
        ("signals.regime.low=1", "signals.regime.low: the low threshold, 1, is not below the high one, 0.2"),
        ("signals.regime.high=0.05", "signals.regime.high: the low threshold, 0.12, is not below the high"),
        ("signals.anomaly.sigmas=0", "signals.anomaly.sigmas: must be more than 0, got 0"),
        ("signals.limit.probability=1", "signals.limit.probability: must be less than 1, got 1"),
        ("signals.limit.horizon=0s", "signals.limit.horizon: must be more than 0s"),
        ("signals.regime.hihg=1", 'signals.regime.hihg: unknown key; did you mean "high"?'),
        ("signals.gap={window: 10s}", "signals.gap.after: is required, but no file sets it"),
        (
            "signals.gap={window: 10s, after: 10s}",
            "signals.gap.after: the window 10s is too short to show a silence of 10 s; at most 9s",
        ),
        ("signals.mood={window: 10s}", "signals.mood: unknown key"),
        ("gatherer.statistics=[mda]", "gatherer.statistics[0]: must be one of median, mad, realized_vol, "),
        ("gatherer.statistics=[mda]", 'got "mda"; did you mean "median"?'),
        ("gatherer.statistics=[mad, median, mad]", "gatherer.statistics: mad is listed twice"),
        ("gatherer.ewma_half_life=0s", "gatherer.ewma_half_life: must be more than 0s"),
        ("gatherer.max_clock_skew=soon", "gatherer.max_clock_skew: expected a duration such as"),
        ("gatherer.inputs=prices", 'gatherer.inputs: expected a list, got "prices"'),
        ("gatherer.inputs=[prices]", 'gatherer.inputs[0]: expected a mapping of settings, got "prices"'),
        ("gatherer.inputs=[{}]", "gatherer.inputs[0]: names no topic; write topic: NAME or pattern:"),
        ("gatherer.inputs=[{topik: a}]", 'gatherer.inputs[0].topik: unknown key; did you mean "topic"?'),
        (
            "gatherer.inputs=[{topic: a, fields: {tyme: t}}]",
            'gatherer.inputs[0].fields.tyme: unknown key; did you mean "time"?',
        ),
        ("gatherer.inputs=[{topic: a b}]", "gatherer.inputs[0].topic: 'a b' is not a topic name"),
        ("gatherer.inputs=[{pattern: 'a('}]", "gatherer.inputs[0].pattern: 'a(' is not a regular expression"),
        (
            "gatherer.inputs=[{pattern: 'a(?P<symbol>.+)', symbol: topic}]",
            "unknown extension (?P; write a named group as (?<symbol>…)",
        ),
        ("gatherer.inputs=[{topic: a, pattern: b}]", "gatherer.inputs[0]: has both a topic and a pattern"),
        (
            "gatherer.inputs=[{topic: a}, {pattern: 'b[.](.+)', symbol: topic}]",
            "gatherer.inputs[1]: symbol: topic needs a pattern with the group symbol; write",
        ),
        (
            "gatherer.inputs=[{topic: a, symbol: topic}]",
            "gatherer.inputs[0]: symbol: topic needs a pattern with the group symbol",
        ),
        (
            "gatherer.inputs=[{topic: a, symbol: value}]",
            'gatherer.inputs[0].symbol: must be one of key, topic, field, got "value"',
        ),
        (
            "gatherer.inputs=[{topic: a, time: iso}]",
            "gatherer.inputs[0].time: must be one of ours, iso8601, epoch_s, epoch_ms, epoch_us, record, got",
        ),
        (
            "gatherer.inputs=[{topic: a, fields: {time: q..t}}]",
            "gatherer.inputs[0].fields.time: 'q..t' is not a field path; separate nested names with dots",
        ),
        (
            "gatherer.inputs=[{topic: a, fields: {time: q, price: q.p}}]",
            "gatherer.inputs[0]: time and price are read from the same field, q",
        ),
        (
            "gatherer.inputs=[{topic: a, symbols: {EUR/USD: E U}}]",
            "gatherer.inputs[0].symbols.EUR/USD: 'E U' is not a symbol",
        ),
        (
            "gatherer.inputs=[{topic: a, non_positive: 1}]",
            "gatherer.inputs[0].non_positive: expected true or false, got 1",
        ),
        (
            "gatherer.inputs=[{pattern: '.*'}]",
            "gatherer.inputs[0]: matches position.AAPL, a topic of this bundle;",
        ),
        (
            "gatherer.inputs=[{topic: movingaverage}]",
            "gatherer.inputs[0]: matches movingaverage, a topic of this bundle",
        ),
        ("gatherer.delivery=once", "gatherer.delivery: must be one of exactly-once, at-least-once"),
        ("health.interval=1500ms", "health.interval: 1500ms is not a whole number of seconds"),
        ("flink.parallelism=[", "not valid YAML"),
    ],
)
def test_an_invalid_override_is_refused(text: str, problem: str, mistakes: Mistakes) -> None:
    (found,) = mistakes(overrides=[text])
    assert (found.file, found.line) == (f"--set {text}", None)
    assert problem in str(found)


def test_inputs_must_fit_an_environment(mistakes: Mistakes) -> None:
    symbols = ", ".join(f"VENDORS-{number:06}: S{number}" for number in range(6000))
    (found,) = mistakes(overrides=[f"gatherer.inputs=[{{topic: a, symbols: {{{symbols}}}}}]"])
    assert found.path == "gatherer.inputs"
    assert "bytes do not fit in an app's environment; use at most 120000" in str(found)


def test_a_mistake_in_a_cluster_file_has_its_line(copy: Path, mistakes: Mistakes) -> None:
    file = copy / "clusters" / "prod.yaml"
    file.write_text(
        file.read_text().replace("    slots: 2", "    slotz: 2").replace("  brokers: 3", "  brokers: 2")
    )
    lines = [line.strip() for line in file.read_text().splitlines()]
    found = {problem.path: problem for problem in mistakes("prod", package=copy)}
    assert str(found.pop("flink.taskmanager.slotz")) == (
        f'{file}:{1 + lines.index("slotz: 2")}: flink.taskmanager.slotz: unknown key; did you mean "slots"?'
    )
    # Without the mistaken key, the rest is still checked.
    message = "3 replicas of each topic need 3 brokers; kafka.brokers is 2"
    assert found.pop("topics.replication").message == message
    assert not found


def test_a_cluster_needs_a_place_for_the_state(mistakes: Mistakes) -> None:
    (problem,) = mistakes("prod", overrides=["flink.state=null"])
    assert problem.path == "flink.state"
    for way in ("hdfs://", "s3://", "file:///"):
        assert way in problem.hint


def test_a_topic_is_not_longer_than_kafka_takes(mistakes: Mistakes) -> None:
    symbol = "S" * 140
    load_settings("local", overrides=[f"positions=[{symbol}]", f"topics.prefix={'p' * 100}"])
    (found,) = mistakes(overrides=[f"positions=[{symbol}S]", f"topics.prefix={'p' * 100}"])
    assert "has 250 characters; Kafka allows 249; shorten the prefix or the symbol" in str(found)


def test_all_mistakes_of_all_layers_come_at_once(tmp_path: Path, mistakes: Mistakes) -> None:
    low, high = tmp_path / "low.yaml", tmp_path / "high.yaml"
    low.write_text("generator:\n  rate: fast\n  modle: ou\n")
    high.write_text("# The rate is right here, which doesn't make it right there.\ngenerator:\n  rate: 5\n")
    found = mistakes(files=[low, high], overrides=["gatherer.windows.2500ms=1s", "topics.partitions=0"])
    assert sorted(map(str, found)) == sorted(
        [
            f'{low}:2: generator.rate: expected a number, got "fast"',
            f'{low}:3: generator.modle: unknown key; did you mean "model"?',
            "--set topics.partitions=0: topics.partitions: must be at least 1, got 0",
            "--set gatherer.windows.2500ms=1s: gatherer.windows.2500ms: the window 2500ms is not a multiple "
            "of its slide, 1s; write a window of 2s",
        ]
    )


def test_a_mistake_in_a_list_leaves_the_other_checks_alone(mistakes: Mistakes) -> None:
    found = mistakes(overrides=["positions=[A B]", "topics.replication=9"])
    assert [problem.path for problem in found] == ["positions[0]", "topics.replication"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", "{file}:1: expected a mapping of settings"),
        ("just text\n", "{file}:1: expected a mapping of settings"),
        (
            "topics:\n  prefix: a\n  prefix: b\n",
            "{file}:3: topics.prefix: written twice; the first is on line 2",
        ),
        ("topics: {\n", "{file}:2: not valid YAML: while parsing a flow node"),
    ],
)
def test_a_malformed_file_is_refused(text: str, problem: str, tmp_path: Path, mistakes: Mistakes) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    (found,) = mistakes(files=[file])
    assert str(found).startswith(problem.format(file=file))


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing yet\n")
    assert load_settings("local", files=[file]) == load_settings("local")


def test_a_file_that_does_not_exist(tmp_path: Path, mistakes: Mistakes) -> None:
    (found,) = mistakes(files=[tmp_path / "none.yaml"])
    assert str(found) == f"{tmp_path / 'none.yaml'}: no such file"


def test_unknown_clusters(mistakes: Mistakes) -> None:
    (near,) = mistakes("prd")
    assert str(near).startswith("--cluster prd: unknown cluster; there is no file /")
    assert str(near).endswith('/clusters/prd.yaml; did you mean "prod"?')
    (far,) = mistakes("xyz")
    assert far.hint == "the clusters are dev, local, prod"


def test_text_is_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "positions: [NO, ON, 0700, 1E5, 007, TRUE]\nimage: 1.10\ngenerator: {seed: 007}\n"
        "gatherer:\n  inputs: [{topic: 0700, symbols: {0700: 0700}}]\n"
    )
    settings = load_settings("local", files=[file])
    assert settings.positions == ("NO", "ON", "0700", "1E5", "007", "TRUE")
    assert (settings.image, settings.generator.seed) == ("1.10", 7)
    (found,) = settings.gatherer.inputs
    assert (found.topic, found.symbols) == ("0700", {"0700": "0700"})
    assert load_settings("local", overrides=["positions=[0700, NO]"]).positions == ("0700", "NO")


def test_layers_in_their_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("generator: {rate: 1, seed: 1, mem: 100}\n")
    two.write_text("generator: {seed: 2, mem: 200}\n")
    generator = load_settings("local", files=[one, two], overrides=["generator.mem=300"]).generator
    assert (generator.rate, generator.seed, generator.mem, generator.model) == (1, 2, 300, "regimes")


def test_settings_do_not_change() -> None:
    settings = load_settings("local")
    with pytest.raises(ValueError, match="frozen"):
        settings.generator.rate = 5
    assert settings == load_settings("local")


def test_flink_keeps_its_state_below_pipectl_home(
    settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    assert settings_of().flink.state == "file:///home/of/pipectl/flink"
    folder = tmp_path / "with space"
    assert (
        load_settings("local", environ={"PIPECTL_HOME": str(folder)}).flink.state == f"file://{folder}/flink"
    )
    assert str(load_settings("local", environ={}).flink.state).endswith("/pipectl/flink")
    assert settings_of("local", "flink.state=file:///mnt/x/").flink.state == "file:///mnt/x"


def test_durations_are_written_as_they_are_read() -> None:
    assert '"windows":{"10s":"1s","1m":"5s","10m":"10s"}' in load_settings("local").model_dump_json()


def test_windows_can_be_added_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("gatherer:\n  windows: {10m: null, 5s: 1s}\nsignals:\n  limit: {window: 1m}\n")
    gatherer = load_settings("local", files=[file], overrides=["gatherer.windows.30s=5s"]).gatherer
    # The shortest first, wherever it was set.
    assert [*gatherer.windows] == ["5s", "10s", "30s", "1m"]
    assert gatherer.shortest == "5s"
    back = load_settings("local", files=[file], overrides=["gatherer.windows.10m=1m"]).gatherer
    assert back.windows["10m"] == timedelta(minutes=1)


def test_freshness_follows_from_the_shortest_window() -> None:
    slow = load_settings("local", overrides=["gatherer.windows={10s: 5s, 1m: 1s}"])
    assert slow.freshness - load_settings("local").freshness == timedelta(seconds=4)


def test_a_mistake_in_a_windows_length_leaves_the_other_windows(tmp_path: Path, mistakes: Mistakes) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("gatherer:\n  windows:\n    60s: 5s\n    1h: 7m\n")
    assert [str(each) for each in mistakes(files=[file])] == [
        f"{file}:3: gatherer.windows.60s: '60s' is not in its shortest form; write \"1m\"",
        f"{file}:4: gatherer.windows.1h: the window 1h is not a multiple of its slide, 7m; write "
        "a window of 56m",
    ]
