"""What is deployed, read from the apps on the cluster: settings may have changed since."""

from dataclasses import dataclass

from cli.session import Session


@dataclass(frozen=True)
class Deployed:
    """How the running bundle is set: its positions, topics, brokers and consumer group."""

    positions: tuple[str, ...]
    prefix: str
    bootstrap_servers: str
    group: str


def deployed(session: Session) -> Deployed:
    """Read the running bundle; what is not deployed is taken from the settings."""
    rendered = session.bundle.apps
    running = session.cluster.apps()
    generator, gatherer = (
        running.get(app.id, app.definition)["env"]
        for app in (rendered["data-generator"], rendered["gatherer"])
    )
    return Deployed(
        positions=tuple(generator["POSITIONS"].split(",")),
        prefix=generator["TOPIC_PREFIX"],
        bootstrap_servers=generator["KAFKA_BOOTSTRAP_SERVERS"],
        group=gatherer["JOB_NAME"],
    )
