"""How the running bundle is configured. The settings may have changed since it was deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cli.engine.protocol import AppStatus
from cli.errors import PipectlError
from cli.session import Session
from kafka_topic.config import parse_retention
from kafka_topic.errors import SecurityError
from kafka_topic.inputs import Input, read_inputs
from kafka_topic.names import Topics
from kafka_topic.security import Security, current, protocol_of
from kafka_topic.windows import read_windows, shortest
from marathon.durations import freshness_of


@dataclass(frozen=True)
class LiveConfig:
    """The configuration in the environments of the running generator and gatherer.

    group: the gatherer's consumer group. retention: how long topics keep records, by kind of topic.
    allow_retention_decrease: whether the gatherer may lower a topic's retention. freshness: the maximum age
    of the newest shortest window while data flows.
    """

    positions: tuple[str, ...]
    prefix: str
    bootstrap_servers: str
    group: str
    windows: tuple[str, ...]
    signals: Mapping[str, Mapping[str, Any]]
    inputs: tuple[Input, ...] = ()
    retention: Mapping[str, timedelta] = field(default_factory=dict)
    allow_retention_decrease: bool = False
    freshness: timedelta = timedelta(0)

    @property
    def window(self) -> str:
        """The shortest window. Its records show whether data flows."""
        return shortest(self.windows)


def live_config(session: Session) -> LiveConfig:
    """Read the configuration of the running apps; apps that are not deployed count as the settings have them.

    Raises PipectlError when an app's environment cannot be read: it was edited by hand, or another version of
    the bundle is deployed.
    """
    rendered = session.bundle.apps
    group, running = session.settings.group, _running(session)
    generator, gatherer = (
        running[app.id].env if app.id in running else app.env
        for app in (rendered["data-generator"], rendered["gatherer"])
    )
    try:
        session.log_in_to_kafka(protocol_of(generator))
        return _read(generator, gatherer)
    except (ValueError, KeyError) as error:
        problem = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise PipectlError(
            f"cannot read the environment of the apps in {group}: {problem}",
            hint="`pipectl deploy` restores it",
        ) from None


def log_in_as_deployed(session: Session) -> Security:
    """How this process reaches Kafka from now on: as the running generator; as the settings say if none runs.

    Raises PipectlError if the login is not known here, or cannot be used.
    """
    generator = _running(session).get(f"{session.settings.group}/data-generator")
    try:
        if generator is not None:
            session.log_in_to_kafka(protocol_of(generator.env))
        return current()
    except SecurityError as error:
        raise PipectlError(
            f"the login to Kafka cannot be used: {error}", hint="check the files in kafka.security.folder"
        ) from None


def _running(session: Session) -> dict[str, AppStatus]:
    """The apps of the bundle on the cluster, by id."""
    return {name: app for name, app in session.engine.apps().items() if app.owner == session.settings.group}


def _read(generator: Mapping[str, Any], gatherer: Mapping[str, Any]) -> LiveConfig:
    windows = read_windows(gatherer["GATHERER_WINDOWS"])
    return LiveConfig(
        positions=tuple(generator["POSITIONS"].split(",")),
        prefix=generator["TOPIC_PREFIX"],
        bootstrap_servers=generator["KAFKA_BOOTSTRAP_SERVERS"],
        group=gatherer["JOB_NAME"],
        windows=tuple(windows),
        signals=json.loads(gatherer["SIGNALS"]),
        inputs=read_inputs(gatherer.get("GATHERER_INPUTS", ""), Topics(generator["TOPIC_PREFIX"])),
        retention=parse_retention(gatherer["TOPIC_RETENTION_MS"]),
        allow_retention_decrease=gatherer["TOPIC_ALLOW_RETENTION_DECREASE"] == "true",
        freshness=freshness_of(
            windows[shortest(windows)],
            *(
                timedelta(seconds=float(gatherer[name]))
                for name in (
                    "GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS",
                    "GATHERER_IDLE_TIMEOUT_SECONDS",
                    "FLINK_CHECKPOINT_SECONDS",
                )
            ),
        ),
    )
