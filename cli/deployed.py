"""What is deployed, read from the apps on the cluster: settings may have changed since."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cli.errors import PipectlError, UsageProblem, WaitTimeout
from cli.session import Session
from kafka_topic.errors import KafkaTopicError
from kafka_topic.windows import read_windows, shortest


@dataclass(frozen=True)
class Deployed:
    """How the running bundle is set: its positions, topics, brokers, consumer group, windows, thresholds of
    signals, and inputs, as the gatherer's environment has them.
    """

    positions: tuple[str, ...]
    prefix: str
    bootstrap_servers: str
    group: str
    windows: tuple[str, ...]
    signals: Mapping[str, Mapping[str, Any]]
    inputs: str = ""

    @property
    def window(self) -> str:
        """The shortest window, by which is told whether data flows."""
        return shortest(self.windows)


def deployed(session: Session) -> Deployed:
    """Read the running bundle; what is not deployed is taken from the settings."""
    rendered = session.bundle.apps
    running = session.cluster.apps()
    generator, gatherer = (
        {**app.definition["env"], **running.get(app.id, app.definition)["env"]}
        for app in (rendered["data-generator"], rendered["gatherer"])
    )
    return Deployed(
        positions=tuple(generator["POSITIONS"].split(",")),
        prefix=generator["TOPIC_PREFIX"],
        bootstrap_servers=generator["KAFKA_BOOTSTRAP_SERVERS"],
        group=gatherer["JOB_NAME"],
        windows=tuple(read_windows(gatherer["GATHERER_WINDOWS"])),
        signals=json.loads(gatherer["SIGNALS"]),
        inputs=gatherer.get("GATHERER_INPUTS", ""),
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
