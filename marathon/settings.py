"""The typed settings of a bundle. The values come from `defaults.yaml` and the layers above it."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, create_model

from marathon import validators
from marathon.accounts import Accounts
from marathon.areas import Area, AreaName
from marathon.cassandra import Cassandra
from marathon.catalogue import Catalogue
from marathon.durations import format_duration, freshness_of, parse_duration
from marathon.flows import Flows, streams_to
from marathon.hdfs import Hdfs
from marathon.health import Health, Timeouts
from marathon.inputs import Input
from marathon.kafka_security import KafkaSecurity
from marathon.mysql import MySql
from marathon.names import Names, names_of
from marathon.pages import Dashboard, Notebooks
from marathon.secrets import Environment, Secret, SecretSection
from marathon.section import Cpus, Section
from marathon.signals import Duration, DurationOrZero, InitialLimits, Positive, Signals, Window, signals_model
from marathon.sinks import Sink, Webhook
from marathon.sources import Sources
from marathon.spark import Spark
from marathon.ssh import Ssh
from marathon.stores import Stores

MILLISECOND = timedelta(milliseconds=1)

Text = Annotated[str, Field(min_length=1)]
Symbol = Annotated[str, AfterValidator(validators.check_symbol)]
Host = Annotated[str, AfterValidator(validators.check_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Price = Annotated[float, Field(allow_inf_nan=False), AfterValidator(validators.check_price)]
Count = Annotated[int, Field(ge=1)]


class Dcos(Section):
    executable: Text | None = Field(description="the `dcos` command; null: the client built into local_dcos")
    cluster: Text | None = Field(
        description="name or ID from `dcos cluster list`; null: the attached cluster"
    )
    timeout: Duration = Field(description="timeout of one `dcos` command")
    attempts: Count = Field(
        description="maximum number of tries of a `dcos` command after transient failures"
    )


class Local(Section):
    agents: Annotated[int, Field(ge=1, le=16)] | None = Field(
        description="number of agents of a local cluster, set when it starts; null: as many as before, one "
        "in a new cluster; see [local_dcos](../local_dcos#agents)"
    )


class Kafka(Section):
    service: Annotated[str, AfterValidator(validators.check_service)] = Field(
        description="name of the Kafka service; bundles may share one"
    )
    package: Text = Field(description="DC/OS package of the service")
    version: Text | None = Field(description="package version; null: the newest in the catalog")
    host: Host | None = Field(description="host of the broker; null: the service's VIP")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        description="port of each broker; 0: DC/OS chooses, and clients use port 9092 of the VIP"
    )
    bootstrap_servers: Annotated[str, AfterValidator(validators.check_servers)] | None = Field(
        description='"host:port,host:port"; null: derived from host and port, or from the VIP'
    )
    security: KafkaSecurity
    brokers: Count = Field(description="number of brokers")
    cpus: Cpus = Field(description="CPUs of one broker")
    mem: Annotated[int, Field(ge=512)] = Field(description="memory of one broker in MiB; half of it is heap")
    disk: Count = Field(description="disk of one broker in MiB; cannot change after installation")
    options: dict[str, Any] = Field(description="further package options; override `packages/kafka.json.j2`")


class Retention(Section):
    prices: Duration | None = Field(
        description="retention of the topics `position.<SYMBOL>`; null: the brokers' default"
    )
    movingaverage: Duration | None = Field(description="retention of `movingaverage`")
    signals: Duration | None = Field(description="retention of `signals`")
    dead_letter: Duration | None = Field(description="retention of `dead_letter`")

    @property
    def form(self) -> str:
        """For the apps' environment, in milliseconds: `prices=604800000,movingaverage=604800000,…`."""
        return ",".join(f"{kind}={age // MILLISECOND}" for kind, age in self.given.items())

    @property
    def given(self) -> dict[str, timedelta]:
        """The retentions that are set."""
        return {kind: age for kind, age in self if age is not None}


class Topics(Section):
    prefix: Annotated[str, AfterValidator(validators.check_prefix)] = Field(
        description="prefix of every topic's name; separates bundles that share a Kafka service"
    )
    partitions: Count = Field(description="partitions of each topic")
    replication: Count = Field(description="replicas of each topic; at most `kafka.brokers`")
    retention: Retention
    allow_retention_decrease: bool = Field(
        description="whether a deploy may lower the retention of existing topics, and their `segment.ms`, "
        "which deletes records"
    )


class Generator(Section):
    model: Literal["regimes", "gbm", "ou", "uniform", "normal"] = Field(
        description="price model: regimes, gbm, ou, uniform or normal"
    )
    rate: Positive = Field(description="ticks per second for each position")
    seed: Annotated[int, Field(ge=0)] | None = Field(
        description="seed of the prices; null: random on each start"
    )
    start_price: Price = Field(
        description="first price of positions that are not in `start_prices`; at least 0.01, two decimals"
    )
    start_prices: dict[Symbol, Price | None] = Field(
        description="first price per position; null: `start_price`"
    )
    volatility: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="standard deviation: of the log return over a calm day (regimes) or a year (gbm), of the "
        "log price in the long run (ou), or of the price relative to the start price (uniform, normal)"
    )
    instances: Annotated[int, Field(ge=0)] = Field(
        description="number of instances; they split the positions, one owner per position; 0 stops all"
    )
    cpus: Cpus = Field(description="CPUs")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory in MiB")

    def start_price_of(self, symbol: str) -> float:
        """The first price of a position."""
        return self.start_prices.get(symbol) or self.start_price

    @property
    def start_prices_form(self) -> str:
        """The start prices for the app's environment: `AAPL=230,MSFT=420`."""
        return ",".join(f"{symbol}={price:.12g}" for symbol, price in self.start_prices.items() if price)


class JobManager(Section):
    host: Host | None = Field(description="address that it binds and clients use; null: its VIP")
    rpc_port: Port = Field(description="RPC port on the host and the VIP")
    rest_port: Port = Field(description="port of the REST API and web UI on the host and the VIP")
    blob_port: Port = Field(description="port of the blob server, with a VIP only")
    cpus: Cpus = Field(description="CPUs")
    # Flink's minimum (metaspace, JVM overhead, a small heap), plus 64 for the parent process.
    mem: Annotated[int, Field(ge=704 + 64)] = Field(description="memory in MiB")


class TaskManager(Section):
    instances: Count = Field(description="number of TaskManagers")
    slots: Count = Field(description="task slots of each")
    cpus: Cpus = Field(description="CPUs of each")
    mem: Count = Field(description="memory of each in MiB; at least 1024, plus `python_mem` per slot")
    python_mem: Annotated[int, Field(ge=64)] | None = Field(
        description="MiB of the Python process of each slot; null: by `positions` and windows, at least 256"
    )


class S3(SecretSection):
    endpoint: Annotated[str, AfterValidator(validators.check_endpoint)] | None = Field(
        description="URL of an S3-compatible store; null: Amazon S3"
    )
    path_style: bool = Field(description="whether the bucket is in the path of the URL instead of the host")
    access_key: Text | None = Field(
        description="path of the DC/OS secret with the access key; null: credentials of the agents or image"
    )
    secret_key: Text | None = Field(description="path of the DC/OS secret with the secret key")

    def secrets_named(self) -> tuple[Secret, ...]:
        return (
            Secret("s3-access-key", "AWS_ACCESS_KEY_ID", self.access_key),
            Secret("s3-secret-key", "AWS_SECRET_ACCESS_KEY", self.secret_key),
        )

    @property
    def environment(self) -> Environment:
        given: Environment = {}
        if self.endpoint is not None:
            given["FLINK_S3_ENDPOINT"] = self.endpoint
        if self.path_style:
            given["FLINK_S3_PATH_STYLE"] = "true"
        return given | super().environment


class Token(SecretSection):
    secret: Text | None = Field(
        description="path of the DC/OS secret that holds Flink's token: 32 to 256 letters, digits, `_` or `-`"
    )
    file: Annotated[str, AfterValidator(validators.check_file)] | None = Field(
        description="file on every agent that holds the token, if the cluster has no secrets"
    )

    def secrets_named(self) -> tuple[Secret, ...]:
        return (Secret("flink-token", "FLINK_TOKEN", self.secret),)

    @property
    def environment(self) -> Environment:
        by_file: Environment = {} if self.file is None else {"FLINK_TOKEN_FILE": self.file}
        return super().environment or by_file


class Flink(Section):
    token: Token
    state: Annotated[str, AfterValidator(validators.check_state)] | None = Field(
        description="URI for checkpoints and savepoints, reachable from every agent; null (on `local` only): "
        "the folder `flink` in PIPECTL_HOME. If you change it, move its content too, or the gatherer waits "
        "for it"
    )
    s3: S3
    checkpoint_interval: Duration = Field(
        description="time between checkpoints; exactly-once results appear up to this much later"
    )
    # The maximum is the number of key groups, which the job fixes.
    parallelism: Annotated[int, Field(ge=1, le=128)] = Field(
        description="maximum number of slots of the gatherer's job"
    )
    jobmanager: JobManager
    taskmanager: TaskManager

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        """The secrets of the apps that reach Flink's state, as an app definition declares them."""
        return {**self.token.secrets, **self.s3.secrets}


def _slide_or_none(text: object) -> timedelta:
    """A slide. null, which removes a window, becomes a slide of zero."""
    return timedelta(0) if text is None else validators.check_length(parse_duration(text))


def _without_removed(windows: dict[str, timedelta]) -> dict[str, timedelta]:
    """The windows that are not removed, shortest first."""
    kept = {window: slide for window, slide in windows.items() if slide}
    if not kept:
        raise validators.InvalidValue("must not be empty", "write a length and its slide, such as {10s: 1s}")
    return dict(sorted(kept.items(), key=lambda window: parse_duration(window[0])))


Slide = Annotated[
    timedelta,
    BeforeValidator(_slide_or_none),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]


class Gatherer(Section):
    inputs: Annotated[tuple[Input, ...], Field(strict=False)] = Field(
        description="external topics with prices, besides `position.<SYMBOL>`; see [Inputs](#inputs)"
    )
    windows: Annotated[dict[Window, Slide], AfterValidator(_without_removed)] = Field(
        description="moving windows: length to slide, the time between two windows' ends; null removes one"
    )
    statistics: Annotated[
        tuple[Text, ...], Field(strict=False), AfterValidator(validators.check_distinct)
    ] = Field(
        description="optional statistics of each record; [kafka_topic](../kafka_topic#records) lists them"
    )
    ewma_half_life: Duration = Field(description="age at which a tick has half its weight in `ewma_vol`")
    max_out_of_orderness: DurationOrZero = Field(
        description="how far ticks of one partition may be out of order; later ticks count only in windows "
        "that are not written yet"
    )
    max_clock_skew: Duration = Field(
        description="how far a tick's time may be ahead of its append time; beyond that it is a dead letter"
    )
    idle_timeout: Annotated[Duration, AfterValidator(validators.check_idle_timeout)] = Field(
        description="a partition without ticks for this long is idle, and its last windows are written; at "
        "least 2s, and longer than a broker outage, after which ticks may be late"
    )
    discovery_interval: Duration = Field(description="time between two discoveries of new topics")
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        description="delivery guarantee: exactly-once or at-least-once"
    )
    cpus: Cpus = Field(description="CPUs of the process that submits and monitors the job")
    mem: Annotated[int, Field(ge=256)] = Field(description="memory of that process in MiB")

    @property
    def inputs_form(self) -> str:
        """The inputs for the app's environment: JSON without defaults."""
        return json.dumps(
            [one.model_dump(exclude_defaults=True) for one in self.inputs],
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @property
    def shortest(self) -> str:
        """The shortest window. Its records show whether data flows."""
        return next(iter(self.windows))


class Security(Section):
    service_account: Annotated[str, AfterValidator(validators.check_service)] | None = Field(
        description="service account of Kafka, created if missing; null: none"
    )
    secret: Text | None = Field(
        description="path of the secret with the account's key; null: `<kafka.service>/service-account`"
    )
    strict: bool = Field(description="whether the cluster is in strict security mode")
    secrets: dict[str, str] = Field(
        description="further secrets: path on the cluster to the local file with the value"
    )

    @property
    def wanted(self) -> bool:
        """Whether any account or secret is configured."""
        return self.service_account is not None or bool(self.secrets)


class Settings(Section):
    """All settings of one bundle on one cluster. `load_settings` checks them as a whole."""

    group: Annotated[str, AfterValidator(validators.check_group)] = Field(
        description="Marathon group of the apps; identifies the bundle on its cluster"
    )
    python: Text = Field(description="Python executable of the apps, found on the PATH of the agent or image")
    image: Text | None = Field(
        description="Docker image of the apps; null: the project is installed on each agent"
    )
    positions: Annotated[tuple[Symbol, ...], Field(strict=False), AfterValidator(validators.check_some)] = (
        Field(
            description="symbols whose prices are generated and analyzed: letters, digits, `.`, `_` and `-`"
        )
    )
    parts: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(validators.check_distinct)] = (
        Field(description="enabled optional parts; `pipectl parts` lists all")
    )
    areas: dict[AreaName, Area | None] = Field(
        description="areas of the cluster: name to quota, `{cpus: 4, mem: 8192, promised: true}`; see "
        "[Areas](../docs/areas.md); null removes one"
    )
    accounts: Accounts
    local: Local
    dcos: Dcos
    ssh: Ssh
    kafka: Kafka
    topics: Topics
    generator: Generator
    sources: Sources
    spark: Spark
    stores: Stores
    cassandra: Cassandra
    mysql: MySql
    hdfs: Hdfs
    sink: Sink
    webhook: Webhook
    flows: Flows = Field(
        description="what the page shows: name to `source -> topic -> processing -> store -> display`; see "
        "[Flows](#flows); null removes one"
    )
    flink: Flink
    gatherer: Gatherer
    signals: Signals
    initial_limits: dict[Symbol, InitialLimits | None] = Field(
        description="limits that the first deploy sets, such as `{AAPL: {buy: 225, sell: 235}}`; `pipectl "
        "limits` changes them; null: none"
    )
    security: Security
    dashboard: Dashboard
    notebooks: Notebooks
    health: Health
    timeouts: Timeouts

    @property
    def freshness(self) -> timedelta:
        """The maximum age of a position's newest shortest window while data flows."""
        gatherer = self.gatherer
        slide = gatherer.windows[gatherer.shortest]
        return freshness_of(
            slide, gatherer.max_out_of_orderness, gatherer.idle_timeout, self.flink.checkpoint_interval
        )

    @property
    def streams_to_hdfs(self) -> bool:
        """Whether the app stream-to-hdfs is needed, and has a folder for its checkpoints."""
        return self.stores.disk is not None and streams_to("hdfs", self.flows)

    @property
    def names(self) -> Names:
        """The names and addresses derived from these settings."""
        return names_of(self)


@cache
def settings_model(catalogue: Catalogue) -> type[Settings]:
    """The settings model for the statistics and signals in the catalogue."""
    return create_model("Settings", __base__=Settings, signals=(signals_model(catalogue.signals), ...))
