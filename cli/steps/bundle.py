"""The graph of the bundle: kafka -> topics -> Flink -> gatherer; generator and dashboard beside Flink."""

from collections.abc import Callable, Collection, Mapping

from cli.engine.protocol import Engine, Manifest
from cli.home import home
from cli.session import Session
from cli.steps.app import AppStep
from cli.steps.base import State, Step
from cli.steps.leftover import LeftoverStep, leftovers_of
from cli.steps.package import PackageStep
from cli.steps.security import SecurityStep
from cli.steps.topic_settings import TopicSettings
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
    "dashboard": frozenset({"topics"}),
}


def needs_of(session: Session) -> Mapping[str, frozenset[str]]:
    """NEEDS, with the accounts and secrets before Kafka where the cluster file asks for them."""
    if not session.settings.security.wanted:
        return NEEDS
    name = SecurityStep.name
    return {name: frozenset(), **NEEDS, "kafka": NEEDS["kafka"] | {name}}


def steps_of(
    session: Session, *, engine: Engine | None = None, adopt: Collection[str] = ()
) -> dict[str, Step]:
    """Every component of the session's bundle, by name, in the order of NEEDS.

    `engine` instead of the session's own; `adopt`: the components whose app is taken over if it is not ours.
    """
    settings, bundle = session.settings, session.bundle
    engine = engine or session.engine
    needs = needs_of(session)
    steps: dict[str, Step] = {}
    for name, package in bundle.packages.items():
        steps[name] = PackageStep(
            name,
            package.name,
            package.version,
            settings.kafka.service,
            package.options,
            engine,
            timeout=settings.waits.package,
            address=f"{settings.kafka.host}:{settings.kafka.port}" if settings.kafka.host else None,
            needs=needs[name],
        )
    steps["topics"] = topics_of(session, engine, steps["kafka"].state)
    for app in bundle.apps.values():
        steps[app.name] = AppStep(
            app.name,
            Manifest.of(app),
            engine,
            needs=NEEDS[app.name],
            timeout=settings.waits.app,
            adopt=app.name in adopt,
        )
    if SecurityStep.name in needs:
        steps[SecurityStep.name] = security_of(session, engine)
    return {name: steps[name] for name in needs}


def security_of(session: Session, engine: Engine) -> SecurityStep:
    """The accounts and secrets."""
    settings = session.settings
    return SecurityStep(
        settings.security.service_account,
        settings.names.account_secret,
        settings.security.secrets,
        engine,
        strict=settings.security.strict,
        keys=home() / "keys" / session.cluster_name,
    )


def leftover_steps(session: Session, engine: Engine) -> Mapping[str, LeftoverStep]:
    """The apps that carry this bundle's label and that it no longer has; they go when all else is done."""
    ids = {app.id for app in session.bundle.apps.values()}
    return leftovers_of(engine, session.settings.group, ids, needs=frozenset(NEEDS))


def topics_of(session: Session, engine: Engine, kafka: Callable[[], State]) -> TopicsStep:
    """The bundle's topics, in the Kafka that `kafka` tells the state of."""
    settings = session.settings
    specs = topic_plan(
        settings.positions,
        prefix=settings.topics.prefix,
        partitions=settings.topics.partitions,
        replication=settings.topics.replication,
        retention=settings.topics.retention.given,
    )
    return TopicsStep(
        specs,
        settings.kafka.service,
        engine,
        needs=NEEDS["topics"],
        timeout=settings.waits.package,
        kafka=kafka,
        settings=TopicSettings(settings.names.bootstrap_servers, shorten=settings.topics.shorten),
    )
