"""What is deployed, read from the apps on the cluster: settings may have changed since."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from cli.errors import PipectlError, UsageProblem, WaitTimeout
from cli.session import Session
from kafka_topic.config import parse_retention
from kafka_topic.errors import KafkaTopicError
from kafka_topic.inputs import Input, read_inputs
from kafka_topic.names import Topics
from kafka_topic.windows import read_windows, shortest
from marathon.durations import freshness_of


@dataclass(frozen=True)
class Deployed:
    """How the running bundle is set, as the environments of its generator and gatherer have it.

    retention: how long topics keep records, by kind of topic. shorten: whether a longer one is shortened.
    freshness: how old the end of the newest shortest window may be while data flows.
    """

    positions: tuple[str, ...]
    prefix: str
    bootstrap_servers: str
    group: str
    windows: tuple[str, ...]
    signals: Mapping[str, Mapping[str, Any]]
    inputs: tuple[Input, ...] = ()
    retention: Mapping[str, timedelta] = field(default_factory=dict)
    shorten: bool = False
    freshness: timedelta = timedelta(0)

    @property
    def window(self) -> str:
        """The shortest window, by which is told whether data flows."""
        return shortest(self.windows)


def deployed(session: Session) -> Deployed:
    """Read the running bundle; what is not deployed is taken from the settings.

    Raises PipectlError for an environment that was changed by hand to what makes no sense.
    """
    rendered = session.bundle.apps
    group = session.settings.group
    running = {name: app for name, app in session.engine.apps().items() if app.owner == group}
    generator, gatherer = (
        {**app.env, **(running[app.id].env if app.id in running else {})}
        for app in (rendered["data-generator"], rendered["gatherer"])
    )
    try:
        return _read(generator, gatherer)
    except ValueError as error:
        raise PipectlError(
            f"the environment of the apps in {group} is not as a deploy sets it: {error}",
            hint=f"`pipectl deploy{session.option}` sets it again",
        ) from None


def _read(generator: Mapping[str, Any], gatherer: Mapping[str, Any]) -> Deployed:
    windows = read_windows(gatherer["GATHERER_WINDOWS"])
    return Deployed(
        positions=tuple(generator["POSITIONS"].split(",")),
        prefix=generator["TOPIC_PREFIX"],
        bootstrap_servers=generator["KAFKA_BOOTSTRAP_SERVERS"],
        group=gatherer["JOB_NAME"],
        windows=tuple(windows),
        signals=json.loads(gatherer["SIGNALS"]),
        inputs=read_inputs(gatherer.get("GATHERER_INPUTS", ""), Topics(generator["TOPIC_PREFIX"])),
        retention=parse_retention(gatherer["TOPIC_RETENTION_MS"]),
        shorten=gatherer["TOPIC_SHORTEN"] == "true",
        freshness=freshness_of(
            windows[shortest(windows)],
            *(
                timedelta(seconds=float(gatherer[name]))
                for name in (
                    "GATHERER_WATERMARK_SECONDS",
                    "GATHERER_IDLE_SECONDS",
                    "FLINK_CHECKPOINT_SECONDS",
                )
            ),
        ),
    )


def checked_positions(symbols: Sequence[str], known: Sequence[str]) -> None:
    """Raises UsageProblem when one of the symbols is not known."""
    unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in known]
    if unknown:
        near = get_close_matches(unknown[0].upper(), known, n=1)
        hint = f"it has {', '.join(known)}" + (f"; did you mean {near[0]}?" if near else "")
        raise UsageProblem(f"no position {', '.join(unknown)} in this bundle", hint=hint)


@contextmanager
def kafka_faults() -> Iterator[None]:
    """What goes wrong with Kafka inside, told with the next step."""
    try:
        yield
    except TimeoutError as error:
        raise WaitTimeout(str(error), hint="`pipectl status` shows what holds it up") from None
    except KafkaTopicError as error:
        raise PipectlError(str(error), hint="`pipectl status` shows what holds it up") from None
