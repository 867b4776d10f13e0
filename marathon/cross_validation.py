"""Checks settings against one another. Each check names the setting to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from math import sqrt

from marathon.catalogue import Catalogue, SignalKind
from marathon.durations import format_duration, parse_duration
from marathon.inputs import Input
from marathon.messages import did_you_mean
from marathon.paths import KeyPath
from marathon.settings import Generator, Settings
from marathon.sizing import heap_of_state, python_mem
from marathon.validators import MAX_TOPIC_LENGTH, position_topic

Conflict = tuple[tuple[KeyPath, ...], str, str]
"""The paths of the settings concerned, the message, and the next step."""

# MiB: Flink's minimum for a TaskManager plus 64 for its parent process.
_TASKMANAGER_MEM = 960 + 64
# Linux limits one variable to 128 KiB.
_ENVIRONMENT = 120_000
_LOCAL_KAFKA_SECRETS = "kafka"
"""The default of the package kafka on `local`; the package of DC/OS has no such option."""
_OWN_TOPICS = ("movingaverage", "signals", "dead_letter", "limits")


def cross_validate(settings: Settings, catalogue: Catalogue, *, local: bool) -> Iterator[Conflict]:
    """Every contradiction in `settings`. `local`: for the cluster on this machine."""
    yield from _positions(settings)
    yield from _kafka(settings, local=local)
    yield from _flink(settings, local=local)
    yield from _gatherer(settings)
    yield from _inputs(settings)
    yield from _statistics(settings, catalogue.statistics)
    yield from _signals(settings, catalogue.signals)
    yield from _initial_limits(settings)
    yield from _generator(settings)
    yield from _health(settings)
    yield from _webhook(settings)
    if settings.mysql.ca is not None and not settings.mysql.packaged and settings.mysql.host is None:
        yield (
            (("mysql", "ca"), ("mysql", "host")),
            "the app mysql-server has no key, so it cannot encrypt connections",
            "remove it, or use a server of your own (mysql.host)",
        )


def _webhook(settings: Settings) -> Iterator[Conflict]:
    if settings.webhook.url is not None and settings.webhook.url_secret is not None:
        yield (
            (("webhook", "url_secret"), ("webhook", "url")),
            "the address of the webhook is given twice",
            "remove url or url_secret",
        )


def _positions(settings: Settings) -> Iterator[Conflict]:
    for index, symbol in enumerate(settings.positions):
        if symbol in settings.positions[:index]:
            yield (("positions", index),), f"{symbol} is listed twice", "list each position once"
        elif other := next(
            (one for one in settings.positions[:index] if _metric(one) == _metric(symbol)), None
        ):
            yield (
                (("positions", index),),
                f"{symbol} differs from {other} only in '.' and '_', which collide in Kafka's metric names",
                "rename one",
            )
        topic = settings.topics.prefix + position_topic(symbol)
        if len(topic) > MAX_TOPIC_LENGTH:
            yield (
                (("positions", index), ("topics", "prefix")),
                f"the topic {topic[:40]}… has {len(topic)} characters; Kafka allows {MAX_TOPIC_LENGTH}",
                "shorten the prefix or the symbol",
            )


def _metric(symbol: str) -> str:
    """The form of a symbol in the names of Kafka's metrics."""
    return symbol.replace(".", "_")


def _kafka(settings: Settings, *, local: bool) -> Iterator[Conflict]:
    kafka, replicas = settings.kafka, settings.topics.replication
    if replicas > kafka.brokers:
        yield (
            (("topics", "replication"), ("kafka", "brokers")),
            f"{replicas} replicas of each topic need {replicas} brokers; kafka.brokers is {kafka.brokers}",
            "lower topics.replication or raise kafka.brokers",
        )
    if kafka.host and not kafka.port and not kafka.bootstrap_servers:
        paths = (("kafka", "host"), ("kafka", "port"))
        yield paths, "kafka.host needs a port", "set kafka.port to the broker's port"
    yield from _kafka_security(settings, local=local)


def _kafka_security(settings: Settings, *, local: bool) -> Iterator[Conflict]:
    security = settings.kafka.security
    protocol = ("kafka", "security", "protocol")
    if security.wanted and security.secrets is None:
        yield (
            (("kafka", "security", "secrets"), protocol),
            f"{security.protocol} needs the folder of the cluster's secrets with what each user logs in with",
            "name it, such as volatility/kafka; `security.secrets` makes secrets from files",
        )
    if security.wanted and local and security.secrets not in (None, _LOCAL_KAFKA_SECRETS):
        yield (
            (("kafka", "security", "secrets"),),
            f"the broker of `local` finds its secrets in the folder {_LOCAL_KAFKA_SECRETS} only",
            f"set it to {_LOCAL_KAFKA_SECRETS}, or remove it",
        )
    if security.wanted and security.folder is None and not local:
        yield (
            (("kafka", "security", "folder"), protocol),
            f"{security.protocol} needs the folder on this machine with pipectl's own login",
            f"name one that holds the files `ca` and `pipectl-{security.credential}`",
        )


def _flink(settings: Settings, *, local: bool) -> Iterator[Conflict]:
    flink = settings.flink
    manager = flink.jobmanager
    ports = {"rpc_port": manager.rpc_port, "rest_port": manager.rest_port}
    if manager.host is None:
        ports["blob_port"] = manager.blob_port
    for (name, port), (other, taken) in combinations(ports.items(), 2):
        if port == taken:
            paths = (("flink", "jobmanager", name), ("flink", "jobmanager", other))
            yield paths, f"{name} and {other} are both {port}", "change one of them"
    if flink.state is None and not local:
        yield (
            (("flink", "state"),),
            "is required on this cluster: the URI for checkpoints and savepoints, reachable from every agent",
            "write hdfs://…, s3://bucket/path or a mounted folder, file:///mnt/…",
        )
    if (flink.token.secret is None) == (flink.token.file is None):
        yield (
            (("flink", "token", "secret"), ("flink", "token", "file")),
            "Flink needs one token: name a secret of the cluster, or a file on every agent",
            "`security.secrets` makes a secret from a file; `openssl rand -hex 32` makes a token",
        )
    workers = flink.taskmanager
    python, state = python_mem(settings), heap_of_state(settings)
    if workers.mem < (least := _TASKMANAGER_MEM + python * workers.slots + state):
        slots = "1 slot" if workers.slots == 1 else f"{workers.slots} slots"
        many = f" and {len(settings.positions)} positions" if state else ""
        concerned: tuple[KeyPath, ...] = tuple(
            ("flink", "taskmanager", key) for key in ("mem", "slots", "python_mem")
        )
        yield (
            (*concerned, ("positions",), ("gatherer", "windows")) if state else concerned,
            f"{workers.mem} MiB is too little for a TaskManager with {slots}{many}",
            f"set flink.taskmanager.mem to {least} or more",
        )
    if (flink.s3.access_key is None) != (flink.s3.secret_key is None):
        yield (
            (("flink", "s3", "access_key"), ("flink", "s3", "secret_key")),
            "access_key and secret_key must be set together",
            "set both or neither",
        )


def _gatherer(settings: Settings) -> Iterator[Conflict]:
    windows = settings.gatherer.windows
    pane = min(windows.values())
    for window, slide in windows.items():
        length = parse_duration(window)
        path = ("gatherer", "windows", window)
        if slide % pane:
            # The shortest slide may be the wrong one. The problem names the one that was set last.
            other = ("gatherer", "windows", next(each for each in windows if windows[each] == pane))
            yield (
                (path, other),
                f"the slide {format_duration(slide)} of the window {window} is not a multiple of the "
                f"shortest slide, {format_duration(pane)}",
                f"write {format_duration(slide // pane * pane)}",
            )
        elif length % slide:
            fitting = length // slide * slide or slide
            yield (
                (path,),
                f"the window {window} is not a multiple of its slide, {format_duration(slide)}",
                f"write a window of {format_duration(fitting)}",
            )


def _inputs(settings: Settings) -> Iterator[Conflict]:
    for index, one in enumerate(settings.gatherer.inputs):
        for message, hint in _input(one, settings):
            yield (("gatherer", "inputs", index),), message, hint
    if (length := len(settings.gatherer.inputs_form.encode())) > _ENVIRONMENT:
        yield (
            (("gatherer", "inputs"),),
            f"{length} bytes do not fit in an app's environment",
            f"use at most {_ENVIRONMENT}; symbols that are unchanged need no mapping",
        )


def _input(one: Input, settings: Settings) -> Iterator[tuple[str, str]]:
    if one.topic is None and one.pattern is None:
        yield "names no topic", "write topic: NAME or pattern: REGEX"
    elif one.topic is not None and one.pattern is not None:
        yield "has both a topic and a pattern", "write two inputs"
    if one.symbol == "topic" and not one.names_symbol:
        yield (
            "symbol: topic needs a pattern with the group symbol",
            "write pattern: 'ticks[.](?<symbol>[A-Z]+)'",
        )
    paths = one.paths
    for (name, path), (other, beside) in combinations(paths.items(), 2):
        if path == beside or path.startswith(f"{beside}.") or beside.startswith(f"{path}."):
            yield f"{name} and {other} are read from the same field, {min(path, beside, key=len)}", ""
    prefix = settings.topics.prefix
    own = [*map(position_topic, settings.positions), *_OWN_TOPICS]
    if taken := next((prefix + topic for topic in own if one.reads(prefix + topic)), None):
        yield f"matches {taken}, a topic of this bundle", "make it narrower"


def _statistics(settings: Settings, known: Sequence[str]) -> Iterator[Conflict]:
    for index, name in enumerate(settings.gatherer.statistics):
        if name not in known:
            yield (
                (("gatherer", "statistics", index),),
                f'must be one of {", ".join(known)}, got "{name}"',
                did_you_mean(name, list(known)),
            )


def _signals(settings: Settings, kinds: Iterable[SignalKind]) -> Iterator[Conflict]:
    values = settings.signals.form
    for kind in kinds:
        if kind.name in values:
            for fault in kind.faults(values[kind.name], settings.gatherer.windows):
                paths: list[KeyPath] = [("signals", kind.name, name) for name in fault.settings]
                if fault.window is not None:
                    paths.append(("gatherer", "windows", fault.window))
                yield tuple(paths), fault.message, fault.hint


def _initial_limits(settings: Settings) -> Iterator[Conflict]:
    for symbol, limits in settings.initial_limits.items():
        if limits and limits.buy is not None and limits.sell is not None and limits.buy >= limits.sell:
            yield (
                (("initial_limits", symbol),),
                f"the buy limit, {limits.buy:.10g}, must be below the sell limit, {limits.sell:.10g}",
                "",
            )


def _generator(settings: Settings) -> Iterator[Conflict]:
    generator = settings.generator
    # A uniform distribution extends sqrt(3) standard deviations to each side.
    if generator.model == "uniform" and generator.volatility * sqrt(3) >= 1:
        yield (
            (("generator", "volatility"), ("generator", "model")),
            f"with a volatility of {generator.volatility:g}, the model uniform produces negative prices",
            f"write less than {1 / sqrt(3):.3f}",
        )
        return
    # The lowest price has the smallest moves.
    yield from _start_price(generator, min(settings.positions, key=generator.start_price_of))


def _start_price(generator: Generator, symbol: str) -> Iterator[Conflict]:
    """Prices have two decimals: smaller moves are lost, and prices below 0.01 become 0.01."""
    start, volatility = generator.start_price_of(symbol), generator.volatility
    name = ("start_prices", symbol) if generator.start_prices.get(symbol) else ("start_price",)
    paths: tuple[KeyPath, ...] = (("generator", *name), ("generator", "volatility"))
    # gbm's volatility is annual. A daily move must be visible.
    move = start * volatility / (sqrt(365) if generator.model == "gbm" else 1)
    if 0 < move < 0.01:
        yield (
            paths,
            f"a price of {start:.10g} with a volatility of {volatility:g} moves by {move:.2g}, which two "
            "decimals cannot show",
            "raise the start price or the volatility",
        )
    elif generator.model == "uniform" and start * (1 - volatility * sqrt(3)) < 0.01:
        yield (
            paths,
            f"a price of {start:.10g} with a volatility of {volatility:g} gives the model uniform prices "
            "below 0.01",
            "raise the start price or lower the volatility",
        )


def _health(settings: Settings) -> Iterator[Conflict]:
    # Marathon's health checks use whole seconds.
    if settings.health.interval % timedelta(seconds=1):
        paths = (("health", "interval"),)
        yield paths, f"{format_duration(settings.health.interval)} is not a whole number of seconds", ""
