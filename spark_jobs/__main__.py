"""`python -m spark_jobs report | stream | streams | census | query | standalone`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from jvm.errors import JvmError
from kafka_topic.errors import SecurityError
from kafka_topic.windows import window_length
from spark_jobs.errors import SparkJobsError
from spark_jobs.queries.catalogue import QUERIES
from spark_jobs.records import KINDS
from stores.errors import AddressError, StoreError
from stores.opening import open_store
from task_runtime.environment import Environment
from task_runtime.errors import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Jobs on Apache Spark.

    SPARK_MASTER is local[*] (in this process) or spark://HOST:PORT (on a standalone cluster).
    """


_BOOTSTRAP = click.option(
    "--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, help="host:port,…"
)


@main.command(
    epilog="""\b
Example: report on all prices in the topic prices:
  python -m spark_jobs report --bootstrap-servers 127.0.0.1:9092"""
)
@_BOOTSTRAP
@click.option("--topic", "topics", multiple=True, default=("prices",), help="May be repeated.")
@click.option(
    "--from",
    "source",
    type=click.Choice(["kafka", "disk"]),
    default="kafka",
    help="The source of the prices.",
)
@click.option("--store", envvar="STORE", show_envvar=True, help="With --from disk: the store, disk:FOLDER.")
@click.option("--flow", default="prices", help="With --from disk: the flow in the store.")
@click.option(
    "--method", type=click.Choice(["sigma", "hampel", "both"]), default="both",
    help="The outlier test: sigma is 3 standard deviations of the symbol, hampel is 3 MAD.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def report(
    bootstrap_servers: str | None,
    topics: tuple[str, ...],
    source: str,
    store: str | None,
    flow: str,
    method: str,
    output: str,
) -> None:
    """Count the current prices, with statistics and outliers of each symbol.

    Invalid records are counted and listed. Records that are written after the start are not read.
    """
    with _ending():
        if source == "kafka" and not bootstrap_servers:
            raise SettingsError("no brokers: set --bootstrap-servers or KAFKA_BOOTSTRAP_SERVERS")
        if source == "disk" and store is None:
            raise SettingsError("no store: set --store disk:FOLDER or STORE")
        from spark_jobs.output import as_json, as_table
        from spark_jobs.report import METHODS, report_on_disk, report_on_topics
        from spark_jobs.session import SessionSettings, spark_session

        methods = [each for each in METHODS if method in (each, "both")]
        with spark_session("report", SessionSettings.from_environ()) as session:
            if source == "kafka":
                found = report_on_topics(session, bootstrap_servers or "", topics, methods)
            else:
                found = report_on_disk(session, store or "", flow, methods)
        click.echo(as_json(found) if output == "json" else as_table(found))


@main.command(
    epilog="""\b
Example: store the topic prices with statistics over windows of 10 seconds:
  python -m spark_jobs stream --bootstrap-servers 127.0.0.1:9092 \\
      --store disk:/var/lib/pipectl/store --flow prices"""
)
@_BOOTSTRAP
@click.option("--store", envvar="STORE", show_envvar=True, required=True, help="disk:FOLDER or cassandra:…")
@click.option("--flow", required=True, help="The name of the flow in the store.")
@click.option("--kind", type=click.Choice(list(KINDS)), default="prices", help="The kind of its records.")
@click.option("--topic", "topics", multiple=True, help="May be repeated; by default, the name of the flow.")
@click.option("--window", default="10s", help="The length of a window.")
@click.option(
    "--delay", default="10s", help="How long to wait for late records; later ones are in no window."
)
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, file_okay=False),
    help="By default, in the folder of the store `disk`.",
)
@click.option("--once", is_flag=True, help="Stop when the current content of the topics is stored.")
def stream(
    bootstrap_servers: str | None,
    store: str,
    flow: str,
    kind: str,
    topics: tuple[str, ...],
    window: str,
    delay: str,
    checkpoints: Path | None,
    once: bool,
) -> None:
    """Store a flow's records and their statistics, each exactly once, until stopped.

    The statistics are the flow NAME-statistics: count, mean, standard deviation, min and max of each name
    over each window. Invalid and late records are reported on stderr.
    """
    with _ending():
        if not bootstrap_servers:
            raise SettingsError("no brokers: set --bootstrap-servers or KAFKA_BOOTSTRAP_SERVERS")
        from spark_jobs.running import run
        from spark_jobs.stream import StreamSettings

        opened = open_store(store)
        if checkpoints is None:
            if not store.startswith("disk:"):
                raise SettingsError("no folder for checkpoints: set --checkpoints, since the store has none")
            checkpoints = Path(store.partition(":")[2]) / "checkpoints"
        settings = StreamSettings(
            bootstrap_servers=bootstrap_servers,
            flow=flow,
            kind=kind,
            topics=topics or (flow,),
            window=_length("--window", window),
            delay=_length("--delay", delay),
            checkpoints=checkpoints,
        )
        run(opened, [settings], once=once)


@main.command()
def streams() -> None:
    """Store several flows in one process, as a Marathon app does.

    STREAMS lists them as FLOW=KIND,…; each is read from the topic TOPIC_PREFIX + FLOW. STORE is the store,
    CHECKPOINTS the folder of its checkpoints. PORT0 serves /health.
    """
    with _ending():
        from spark_jobs.running import run
        from spark_jobs.stream import StreamSettings

        env = Environment()
        settings = [
            StreamSettings(
                bootstrap_servers=env.text("KAFKA_BOOTSTRAP_SERVERS"),
                flow=flow,
                kind=kind,
                topics=(env.text("TOPIC_PREFIX", "") + flow,),
                window=env.parsed("STREAM_WINDOW", window_length, "10s"),
                delay=env.parsed("STREAM_DELAY", window_length, "10s"),
                checkpoints=Path(env.text("CHECKPOINTS")),
                interval=env.parsed("STREAM_INTERVAL", window_length, "10s"),
            )
            for flow, kind in env.parsed("STREAMS", _flows).items()
        ]
        run(open_store(env.text("STORE")), settings, once=False)


@main.command(
    epilog="""\b
Example:
  python -m spark_jobs census --bootstrap-servers 127.0.0.1:9092 --store disk:/var/lib/pipectl/store"""
)
@_BOOTSTRAP
@click.option("--topic", default="census")
@click.option("--flow", default="census", help="The name of the flow in the stores.")
@click.option("--store", "stores", multiple=True, envvar="STORE", show_envvar=True, help="May be repeated.")
def census(bootstrap_servers: str | None, topic: str, flow: str, stores: tuple[str, ...]) -> None:
    """Compute the statistics of the census by group, print them, and write them to the stores.

    They are count, mean, standard deviation, min and max of each quantity. A repeated run changes nothing in
    the stores.
    """
    with _ending():
        if not bootstrap_servers:
            raise SettingsError("no brokers: set --bootstrap-servers or KAFKA_BOOTSTRAP_SERVERS")
        from spark_jobs.census import census_groups, groups_table, store_groups
        from spark_jobs.session import SessionSettings, spark_session

        opened = [open_store(store) for store in stores]
        with spark_session("census", SessionSettings.from_environ()) as session:
            groups = census_groups(session, bootstrap_servers, topic)
        store_groups(groups, flow, opened)
        click.echo(groups_table(groups))
        for store in stores:
            click.echo(f"stored in {store}")


@main.command(
    epilog="""\b
Example:
  python -m spark_jobs query volatility-by-hour --store hdfs:127.0.0.1:9870/user/pipectl/volatility"""
)
@click.argument("name", type=click.Choice(list(QUERIES)))
@click.option("--store", envvar="STORE", show_envvar=True, help="The store, such as disk:FOLDER.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def query(name: str, store: str | None, output: str) -> None:
    """Ask a store one of the questions of `spark_jobs.queries`."""
    with _ending():
        if store is None:
            raise SettingsError("no store: set --store disk:FOLDER or STORE")
        from spark_jobs.queries.answers import answer
        from spark_jobs.session import SessionSettings, spark_session

        with spark_session(f"query-{name}", SessionSettings.from_environ()) as session:
            found = answer(session, QUERIES[name], store)
        click.echo(json.dumps(found.as_records(), indent=2) if output == "json" else found.as_table())


@main.command()
@click.argument("role", type=click.Choice(["master", "worker"]))
def standalone(role: str) -> None:
    """Run the master or a worker of a standalone cluster, as a Marathon app does."""
    with _ending():
        from spark_jobs.standalone import become

        become(role, Path.cwd())


def _flows(text: str) -> dict[str, str]:
    flows = dict(each.rpartition("=")[::2] for each in text.split(","))
    if unknown := {kind for kind in flows.values() if kind not in KINDS}:
        raise ValueError(f"no kind {min(unknown)!r}; write FLOW=KIND,… with a kind of {', '.join(KINDS)}")
    return flows


def _length(option: str, text: str) -> timedelta:
    try:
        return window_length(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {error}") from error


@contextmanager
def _ending() -> Iterator[None]:
    """On an expected error, prints it in one line and ends the process."""
    try:
        yield
    except (SettingsError, SecurityError, AddressError) as error:
        click.echo(f"spark_jobs: {error}", err=True)
        sys.exit(error.exit_code)
    except (SparkJobsError, StoreError, JvmError) as error:
        click.echo(f"spark_jobs: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
