"""The graph of the bundle: kafka -> topics -> Flink -> gatherer, with the generator beside Flink."""

from collections.abc import Mapping

from cli.session import Session
from cli.steps.app import AppStep
from cli.steps.base import Step
from cli.steps.package import PackageStep
from cli.steps.topics import TopicsStep
from kafka_topic.plan import topic_plan

# What has to be ready before a step begins. Ticks wait in Kafka, so the generator need not wait for Flink.
NEEDS: Mapping[str, frozenset[str]] = {
    "kafka": frozenset(),
    "topics": frozenset({"kafka"}),
    "flink-jobmanager": frozenset(),
    "flink-taskmanager": frozenset({"flink-jobmanager"}),
    "gatherer": frozenset({"topics", "flink-taskmanager"}),
    "data-generator": frozenset({"topics"}),
}


def steps_of(session: Session) -> dict[str, Step]:
    """Every component of the session's bundle, by name, in the order of NEEDS."""
    settings, bundle, cluster = session.settings, session.bundle, session.cluster
    steps: dict[str, Step] = {"topics": topics_of(session)}
    for name, package in bundle.packages.items():
        steps[name] = PackageStep(
            name,
            package.name,
            package.version,
            settings.kafka.service,
            package.options,
            cluster,
            timeout=settings.waits.package,
        )
    for app in bundle.apps.values():
        steps[app.name] = AppStep(
            app.name, app.definition, cluster, needs=NEEDS[app.name], timeout=settings.waits.app
        )
    return {name: steps[name] for name in NEEDS}


def topics_of(session: Session) -> TopicsStep:
    """The bundle's topics."""
    settings = session.settings
    specs = topic_plan(
        settings.positions,
        prefix=settings.topics.prefix,
        partitions=settings.topics.partitions,
        replication=settings.topics.replication,
    )
    return TopicsStep(
        specs, settings.kafka.service, session.cluster, needs=NEEDS["topics"], timeout=settings.waits.app
    )
