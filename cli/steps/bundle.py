"""The graph of the bundle, as its components declare it."""

from collections.abc import Callable, Collection, Mapping

from cli.deployed import Deployed
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
from marathon import Component


def needs_of(session: Session) -> Mapping[str, frozenset[str]]:
    """What has to be ready before each component of the session's bundle begins, in order."""
    return {name: one.depends_on for name, one in session.bundle.components.items()}


def steps_of(
    session: Session,
    *,
    engine: Engine | None = None,
    adopt: Collection[str] = (),
    running: Deployed | None = None,
) -> dict[str, Step]:
    """Every component of the session's bundle, by name, each after what it depends on.

    `engine` instead of the session's own; `adopt`: the components whose app is taken over if it is not ours;
    `running`: the topics are those of this bundle, whatever the settings say by now.
    """
    engine = engine or session.engine
    steps: dict[str, Step] = {}
    for name, component in session.bundle.components.items():
        if component.kind == "app":
            steps[name] = app_of(session, engine, component, adopt=name in adopt)
        elif component.kind == "package":
            steps[name] = package_of(session, engine, component)
        elif name == TopicsStep.name:
            steps[name] = topics_of(session, engine, component, steps["kafka"].state, running)
        else:
            steps[name] = security_of(session, engine)
    return steps


def app_of(session: Session, engine: Engine, component: Component, *, adopt: bool) -> AppStep:
    """An app."""
    return AppStep(
        component.name,
        Manifest.of(session.bundle.apps[component.name]),
        engine,
        needs=component.depends_on,
        timeout=component.ready_within,
        adopt=adopt,
    )


def package_of(session: Session, engine: Engine, component: Component) -> PackageStep:
    """A package."""
    kafka, package = session.settings.kafka, session.bundle.packages[component.name]
    return PackageStep(
        component.name,
        package.name,
        package.version,
        kafka.service,
        package.options,
        engine,
        timeout=component.ready_within or session.settings.waits.package,
        address=f"{kafka.host}:{kafka.port}" if kafka.host else None,
        needs=component.depends_on,
    )


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
    return leftovers_of(engine, session.settings.group, ids, needs=frozenset(session.bundle.components))


def topics_of(
    session: Session,
    engine: Engine,
    component: Component,
    kafka: Callable[[], State],
    running: Deployed | None,
) -> TopicsStep:
    """The topics of the settings or of the running bundle, in the Kafka that `kafka` tells the state of."""
    settings, topics = session.settings, session.settings.topics
    specs = topic_plan(
        running.positions if running else settings.positions,
        prefix=running.prefix if running else topics.prefix,
        partitions=topics.partitions,
        replication=topics.replication,
        retention=running.retention if running else topics.retention.given,
    )
    return TopicsStep(
        specs,
        settings.kafka.service,
        engine,
        needs=component.depends_on,
        timeout=component.ready_within or settings.waits.package,
        kafka=kafka,
        settings=TopicSettings(
            running.bootstrap_servers if running else settings.names.bootstrap_servers,
            shorten=running.shorten if running else topics.shorten,
        ),
        # Several jobs may share one.
        of_jobs=dict.fromkeys(topic for job in session.bundle.jobs.values() for topic in job.topics),
    )
