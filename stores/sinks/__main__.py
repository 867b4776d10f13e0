"""`python -m stores.sinks`: carries the records of topics to a store or to a web address.

A job (`--once`) ends at the end that the topics had at its start; an app does not end.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from http import HTTPStatus
from typing import Any

import click

from kafka_topic.errors import KafkaTopicError
from kafka_topic.names import Topics
from stores.errors import StoreError
from stores.opening import open_store
from stores.sinks.errors import SinkError
from stores.sinks.group import Group
from stores.sinks.running import carry
from stores.sinks.sources import Source, sources_of
from stores.sinks.targets import StoreTarget, Target
from stores.sinks.webhook import WebhookTarget
from task_runtime.environment import Environment
from task_runtime.errors import SettingsError
from task_runtime.health_log import serve_health
from task_runtime.process import log_to_stderr, stop_event

_LOG = logging.getLogger("stores.sinks")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--once", is_flag=True, help="End when the records that are there now are written.")
def main(once: bool) -> None:
    """Carry the records of topics to a store or to a web address, each exactly once.

    \b
    KAFKA_BOOTSTRAP_SERVERS  the brokers
    GROUP                    the consumer group, whose offsets say what is written
    SOURCES                  what to read: movingaverage,signals,ticks,prices,replay,random-numbers,
                             monitoring
    TOPIC_PREFIX, POSITIONS  the prefix of the topics; the positions, for ticks
    STORE                    the address of the store; or
    WEBHOOK_URL              the web address, which may be a secret, with WEBHOOK_SECRET, by which posts are
                             signed
    BATCH                    the maximum number of records in a batch (5000)
    PORT0                    serves /health
    """
    log_to_stderr("sink")
    # Each request would be a line in the log.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        _run(Environment(), once=once)
    except SettingsError as error:
        click.echo(f"sink: {error}", err=True)
        sys.exit(error.exit_code)
    except (SinkError, StoreError, KafkaTopicError) as error:
        click.echo(f"sink: {error}", err=True)
        sys.exit(1)


def _run(env: Environment, *, once: bool) -> None:
    stop = stop_event()
    topics = Topics(env.text("TOPIC_PREFIX", ""))
    positions = topics.read_positions(positions) if (positions := env.optional("POSITIONS")) else ()
    sources = env.parsed("SOURCES", lambda text: sources_of(text.split(","), topics, positions))
    names = [topic for source in sources for topic in source.topics]
    group = Group(env.text("KAFKA_BOOTSTRAP_SERVERS"), env.text("GROUP"), names)
    ends = group.ends()
    target = _target(env, sources, group, stop)

    def health() -> tuple[int, dict[str, Any]]:
        reason = group.problem or target.problem
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        return status, {"reason": reason, "written": target.written, "invalid": target.invalid}

    with serve_health(health, _LOG.info, os.environ), group:
        _LOG.info("carrying %s to %s", ", ".join(each.name for each in sources), target.label)
        reached = carry(group, target, stop, ends if once else None)
    click.echo(_summary(sources, target))
    if once and not reached:
        raise SinkError("stopped before the end; the next run continues here")


def _target(env: Environment, sources: list[Source], group: Group, stop: threading.Event) -> Target:
    if (url := env.secret("WEBHOOK_URL")) is None:
        address = env.text("STORE")
        return StoreTarget(
            open_store(address),
            sources,
            group.ids(),
            label=f"the store {address.partition(':')[0]}",
            most=env.integer("BATCH", 5000),
        )
    secret = env.secret("WEBHOOK_SECRET")
    if secret is None:
        raise SettingsError("WEBHOOK_SECRET is not set: set webhook.secret to the path of a secret")
    return WebhookTarget(url.strip(), secret.strip(), sources, group.ids(), stop)


def _summary(sources: list[Source], target: Target) -> str:
    invalid = f", {target.invalid} invalid ones left out" if target.invalid else ""
    names = ", ".join(each.name for each in sources)
    return f"{names}: wrote {target.written} records to {target.label}{invalid}"


if __name__ == "__main__":
    main()
