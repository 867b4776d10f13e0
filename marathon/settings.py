"""The settings of a bundle, typed. Their values come from `defaults.yaml` and the layers above it."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, create_model

from marathon import formats
from marathon.catalogue import Catalogue
from marathon.durations import format_duration, freshness_of, parse_duration
from marathon.inputs import Input
from marathon.names import Names, names_of
from marathon.section import Section
from marathon.signals import Duration, DurationOrZero, Positive, Signals, Window, signals_model
from marathon.sources import Sources

MILLISECOND = timedelta(milliseconds=1)

Text = Annotated[str, Field(min_length=1)]
Symbol = Annotated[str, AfterValidator(formats.check_symbol)]
Host = Annotated[str, AfterValidator(formats.check_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Price = Annotated[float, Field(allow_inf_nan=False), AfterValidator(formats.check_price)]
Count = Annotated[int, Field(ge=1)]


class Dcos(Section):
    executable: Text | None = Field(
        description="`dcos` command to run; null: the client built into local_dcos"
    )
    cluster: Text | None = Field(
        description="name or id of the cluster as `dcos cluster list` shows it; null: the attached one"
    )
    timeout: Duration = Field(description="longest time for one `dcos` command")
    attempts: Count = Field(
        description="how often a `dcos` command is tried when it fails for a reason that may pass"
    )


class Kafka(Section):
    service: Annotated[str, AfterValidator(formats.check_service)] = Field(
        description="name of the Kafka service; another bundle may share it or have its own"
    )
    package: Text = Field(description="DC/OS package that provides it")
    version: Text | None = Field(description="package version; null: the catalog's newest")
    host: Host | None = Field(description="host of the broker; null: reached through the service's VIP")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        description="port each broker listens on; 0: picked by DC/OS, clients use the VIP's 9092"
    )
    bootstrap_servers: Annotated[str, AfterValidator(formats.check_servers)] | None = Field(
        description='"host:port,host:port"; null: derived from host and port or from the VIP'
    )
    brokers: Count = Field(description="number of brokers")
    cpus: Positive = Field(description="CPU shares of one broker")
    mem: Annotated[int, Field(ge=512)] = Field(
        description="memory of one broker in MiB; half of it is its heap"
    )
    disk: Count = Field(description="disk of one broker in MiB; can't be changed after installation")
    options: dict[str, Any] = Field(description="package options laid over those in `packages/kafka.json.j2`")


class Retention(Section):
    prices: Duration | None = Field(
        description="how long Kafka keeps a record of a `position.<SYMBOL>`; null: as its brokers are set"
    )
    movingaverage: Duration | None = Field(description="the same for `movingaverage`")
    signals: Duration | None = Field(description="the same for `signals`")
    dead_letter: Duration | None = Field(description="the same for `dead_letter`")

    @property
    def form(self) -> str:
        """In milliseconds, for the apps' environment: `prices=604800000,movingaverage=604800000,…`."""
        return ",".join(f"{kind}={age // MILLISECOND}" for kind, age in self.given.items())

    @property
    def given(self) -> dict[str, timedelta]:
        """What isn't left to the brokers."""
        return {kind: age for kind, age in self if age is not None}


class Topics(Section):
    prefix: Annotated[str, AfterValidator(formats.check_prefix)] = Field(
        description="begins every topic's name, to keep bundles on one Kafka apart"
    )
    partitions: Count = Field(description="partitions of each topic")
    replication: Count = Field(description="replicas of each topic; at most `kafka.brokers`")
    retention: Retention
    shorten: bool = Field(
        description="whether to shorten retentions that are longer on the cluster, which deletes records"
    )


class Generator(Section):
    model: Literal["regimes", "gbm", "ou", "uniform", "normal"] = Field(
        description="price model: regimes, gbm, ou, uniform or normal"
    )
    rate: Positive = Field(description="ticks per second and position")
    seed: Annotated[int, Field(ge=0)] | None = Field(
        description="seed of the prices; null: others on each start"
    )
    start_price: Price = Field(
        description="price of the first tick of positions that have none in `start_prices`; at least 0.01, "
        "with two decimals"
    )
    start_prices: dict[Symbol, Price | None] = Field(
        description="the same for single positions; null: `start_price`"
    )
    volatility: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="regimes: standard deviation of the log return over a calm day; gbm: over a year; ou: of "
        "the log price in the long run; uniform, normal: of a price, relative to the start price"
    )
    instances: Annotated[int, Field(ge=0)] = Field(
        description="0 stops it; several share the positions, each of which is one's only"
    )
    cpus: Positive = Field(description="CPU shares")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory in MiB")

    def start_price_of(self, symbol: str) -> float:
        """The price of a position's first tick."""
        return self.start_prices.get(symbol) or self.start_price

    @property
    def start_prices_form(self) -> str:
        """The start prices of single positions for the app's environment: `AAPL=230,MSFT=420`."""
        return ",".join(f"{symbol}={price:.12g}" for symbol, price in self.start_prices.items() if price)


class JobManager(Section):
    host: Host | None = Field(description="address to bind and reach it at; null: its VIP")
    rpc_port: Port = Field(description="port of its RPC: on the host, and of the VIP")
    rest_port: Port = Field(description="port of its REST API and web page: on the host, and of the VIP")
    blob_port: Port = Field(description="port of its file server, where there is a VIP")
    cpus: Positive = Field(description="CPU shares")
    # The least that Flink starts in (metaspace, JVM overhead, a small heap), and 64 for the process around.
    mem: Annotated[int, Field(ge=704 + 64)] = Field(description="memory in MiB")


class TaskManager(Section):
    instances: Count = Field(description="number of TaskManagers")
    slots: Count = Field(description="slots of each")
    cpus: Positive = Field(description="CPU shares of each")
    mem: Count = Field(description="memory of each in MiB; at least 1088, and 256 more for each slot")


class S3(Section):
    endpoint: Annotated[str, AfterValidator(formats.check_endpoint)] | None = Field(
        description="address of a store for `s3:` that isn't Amazon's; null: Amazon's"
    )
    path_style: bool = Field(
        description="whether the store wants buckets in the path of an address, not in its host"
    )
    access_key: Text | None = Field(
        description="path of the cluster's secret that holds the access key; null: what agents or image have"
    )
    secret_key: Text | None = Field(description="path of the secret that holds the secret key")

    @property
    def environment(self) -> dict[str, str | dict[str, str]]:
        """What the apps that reach the store need in their environment; keys as references to secrets."""
        given: dict[str, str | dict[str, str]] = {}
        if self.endpoint is not None:
            given["FLINK_S3_ENDPOINT"] = self.endpoint
        if self.path_style:
            given["FLINK_S3_PATH_STYLE"] = "true"
        names = {"s3-access-key": "AWS_ACCESS_KEY_ID", "s3-secret-key": "AWS_SECRET_ACCESS_KEY"}
        return given | {names[name]: {"secret": name} for name in self.secrets}

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        """The secrets that `environment` refers to, as an app definition declares them."""
        paths = {"s3-access-key": self.access_key, "s3-secret-key": self.secret_key}
        return {name: {"source": path} for name, path in paths.items() if path is not None}


class Flink(Section):
    state: Annotated[str, AfterValidator(formats.check_state)] | None = Field(
        description="URI below which checkpoints and savepoints lie, reachable from every agent; "
        "null: the folder `flink` in PIPECTL_HOME, on `local` only"
    )
    s3: S3
    checkpoint_interval: Duration = Field(
        description="time between checkpoints, which is how late results show"
    )
    # Flink can't go beyond the number of key groups, which the job fixes.
    parallelism: Annotated[int, Field(ge=1, le=128)] = Field(
        description="slots that the gatherer's job runs on, if there are so many"
    )
    jobmanager: JobManager
    taskmanager: TaskManager


def _slide_or_none(text: object) -> timedelta:
    """A slide; none at all, by which a layer takes a window away, is a slide of nothing."""
    return timedelta(0) if text is None else formats.check_length(parse_duration(text))


def _without_removed(windows: dict[str, timedelta]) -> dict[str, timedelta]:
    """The windows that are left, the shortest first."""
    kept = {window: slide for window, slide in windows.items() if slide}
    if not kept:
        raise formats.FormError("must not be empty", "write a length and its slide, such as {10s: 1s}")
    return dict(sorted(kept.items(), key=lambda window: parse_duration(window[0])))


Slide = Annotated[
    timedelta,
    BeforeValidator(_slide_or_none),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]


class Gatherer(Section):
    inputs: Annotated[tuple[Input, ...], Field(strict=False)] = Field(
        description="topics of others with prices, beside `position.<SYMBOL>`; see [Inputs](#inputs)"
    )
    windows: Annotated[dict[Window, Slide], AfterValidator(_without_removed)] = Field(
        description="the moving windows: length to slide, the time between two windows' ends; null takes "
        "one away"
    )
    statistics: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(formats.check_distinct)] = (
        Field(
            description="optional statistics of each record; [kafka_topic](../kafka_topic#records) "
            "lists all there are"
        )
    )
    ewma_half_life: Duration = Field(description="age at which a tick weighs half as much in `ewma_vol`")
    watermark_bound: DurationOrZero = Field(
        description="how far ticks of one partition may be out of order; later ones count only in windows "
        "that are not written yet"
    )
    future_bound: Duration = Field(
        description="how far a tick's time may be after that of its writing; further, it is a dead letter"
    )
    idle_timeout: Annotated[Duration, AfterValidator(formats.check_idle_timeout)] = Field(
        description="silence after which the last windows of a partition are written; at least 2s, longer "
        "than a broker may be away: ticks that come after it may be late"
    )
    discovery_interval: Duration = Field(description="time between two looks for new positions' topics")
    delivery: Literal["exactly-once", "at-least-once"] = Field(description="exactly-once or at-least-once")
    cpus: Positive = Field(description="CPU shares of the process that submits and watches the job")
    mem: Annotated[int, Field(ge=256)] = Field(description="memory of that process in MiB")

    @property
    def inputs_form(self) -> str:
        """The inputs for the app's environment: JSON, without what is left out."""
        return json.dumps(
            [one.model_dump(exclude_defaults=True) for one in self.inputs],
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @property
    def shortest(self) -> str:
        """The shortest window, by which is told whether data flows."""
        return next(iter(self.windows))


class InitialLimits(Section):
    buy: Positive | None = None
    sell: Positive | None = None

    @property
    def given(self) -> dict[str, float]:
        """Those that are set."""
        return {side: price for side, price in self if price is not None}


class Security(Section):
    service_account: Annotated[str, AfterValidator(formats.check_service)] | None = Field(
        description="service account that Kafka runs under, made when it is missing; null: none"
    )
    secret: Text | None = Field(
        description="path of the secret with the account's key; null: `<kafka.service>/service-account`"
    )
    strict: bool = Field(description="whether the cluster is in strict security mode")
    secrets: dict[str, str] = Field(
        description="further secrets: path on the cluster to the file here that holds the value"
    )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to make."""
        return self.service_account is not None or bool(self.secrets)


class Dashboard(Section):
    history: Annotated[int, Field(ge=60)] = Field(
        description="windows, and prices, kept of each position; less with very many positions"
    )
    cpus: Positive = Field(description="CPU shares")
    mem: Annotated[int, Field(ge=128)] = Field(description="memory in MiB")


class Health(Section):
    interval: Duration = Field(description="time between two health checks of a task, in whole seconds")
    patience: Duration = Field(
        description="how long a started task may fail its health check before it is killed; "
        "5 times as long for the gatherer and 60 times for the generator, which wait for others"
    )

    @property
    def failures(self) -> int:
        """Failed checks in a row that `patience` amounts to. Never 0: a MESOS_* check would kill at once."""
        return max(1, ceil(self.patience / self.interval))


class Waits(Section):
    package: Duration = Field(description="longest wait for a package's deploy plan to complete")
    app: Duration | None = Field(
        description="longest wait for an app to be healthy; null: what its own health check allows, "
        "and a minute to launch"
    )
    data: Duration = Field(description="longest wait for a fresh record of every position")


class Settings(Section):
    """All settings of one bundle on one cluster, checked as a whole by `load_settings`."""

    group: Annotated[str, AfterValidator(formats.check_group)] = Field(
        description="Marathon group of the apps; tells bundles on one cluster apart"
    )
    python: Text = Field(description="Python that runs the apps, looked up on the agent's or image's PATH")
    image: Text | None = Field(
        description="Docker image of the apps; null: the project is installed on each agent"
    )
    positions: Annotated[tuple[Symbol, ...], Field(strict=False), AfterValidator(formats.check_some)] = Field(
        description="symbols whose prices are generated and watched: letters, digits, `.`, `_` and `-`"
    )
    parts: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(formats.check_distinct)] = Field(
        description="optional parts that are switched on; `pipectl parts` lists them"
    )
    dcos: Dcos
    kafka: Kafka
    topics: Topics
    generator: Generator
    sources: Sources
    flink: Flink
    gatherer: Gatherer
    signals: Signals
    initial_limits: dict[Symbol, InitialLimits | None] = Field(
        description="limits that a deploy sets where none were ever set, such as `{AAPL: {buy: 225, sell: "
        "235}}`; `pipectl limits` changes them; null: none"
    )
    security: Security
    dashboard: Dashboard
    health: Health
    waits: Waits

    @property
    def freshness(self) -> timedelta:
        """How old the end of a position's newest shortest window may be while data flows."""
        gatherer = self.gatherer
        slide = gatherer.windows[gatherer.shortest]
        return freshness_of(
            slide, gatherer.watermark_bound, gatherer.idle_timeout, self.flink.checkpoint_interval
        )

    @property
    def names(self) -> Names:
        """The names and addresses that follow from these settings."""
        return names_of(self)


@cache
def settings_model(catalogue: Catalogue) -> type[Settings]:
    """The settings of bundles whose gatherer has what the catalogue lists."""
    return create_model("Settings", __base__=Settings, signals=(signals_model(catalogue.signals), ...))
