"""The steps of the bundle's components, and their dependencies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from cli.engine.protocol import Engine, Manifest
from cli.home import home
from cli.live_config import LiveConfig
from cli.session import Session
from cli.steps.access import AccessStep, SurplusStep
from cli.steps.app import AppStep
from cli.steps.base import State, Step
from cli.steps.orphan import OrphanStep, orphans_of
from cli.steps.package import PackageStep
from cli.steps.security import SecurityStep
from cli.steps.topic_settings import TopicSettings
from cli.steps.topics import TopicsStep
from kafka_topic.inputs import read_inputs
from kafka_topic.names import Topics
from kafka_topic.plan import TopicSpec, topic_plan
from marathon import Component
from marathon.validators import position_topic

if TYPE_CHECKING:
    from kafka_topic.access import Right


def dependencies_of(session: Session) -> Mapping[str, frozenset[str]]:
    """The dependencies of each component of the session's bundle, in order."""
    return {name: one.depends_on for name, one in session.bundle.components.items()}


def steps_of(
    session: Session,
    *,
    engine: Engine | None = None,
    adopt: Collection[str] = (),
    running: LiveConfig | None = None,
    delete_topics: bool = False,
) -> dict[str, Step]:
    """The steps of all components by name, in dependency order.

    engine: replaces the session's own. adopt: the components whose app is taken over from another bundle.
    running: the live configuration, which replaces the settings of the topics. delete_topics: whether the
    topics may be removed.
    """
    engine = engine or session.engine
    steps: dict[str, Step] = {}
    for name, component in session.bundle.components.items():
        if component.kind == "app":
            steps[name] = app_of(session, engine, component, adopt=name in adopt)
        elif component.kind == "package":
            steps[name] = package_of(session, engine, component)
        elif name == TopicsStep.name:
            kafka = steps["kafka"].state
            steps[name] = topics_of(session, engine, component, kafka, running, removable=delete_topics)
        elif name == AccessStep.name:
            steps[name] = access_of(session, component, steps["kafka"].state)
        else:
            steps[name] = security_of(session, engine)
    return steps


def app_of(session: Session, engine: Engine, component: Component, *, adopt: bool) -> AppStep:
    """The step of an app."""
    return AppStep(
        component.name,
        Manifest.of(session.bundle.apps[component.name]),
        engine,
        depends_on=component.depends_on,
        timeout=component.ready_within,
        adopt=adopt,
    )


def package_of(session: Session, engine: Engine, component: Component) -> PackageStep:
    """The step of a package."""
    kafka, package = session.settings.kafka, session.bundle.packages[component.name]
    return PackageStep(
        component.name,
        package.name,
        package.version,
        package.service,
        package.options,
        engine,
        timeout=component.ready_within or session.settings.timeouts.package,
        address=f"{kafka.host}:{kafka.port}" if kafka.host and component.name == "kafka" else None,
        depends_on=component.depends_on,
    )


def security_of(session: Session, engine: Engine) -> SecurityStep:
    """The step of accounts and secrets."""
    settings = session.settings
    return SecurityStep(
        settings.security.service_account,
        settings.names.account_secret,
        settings.security.secrets,
        engine,
        strict=settings.security.strict,
        keys=home() / "keys" / session.cluster_name,
    )


def access_of(session: Session, component: Component, kafka: Callable[[], State]) -> AccessStep:
    """The step of the rights of Kafka's users."""
    settings = session.settings

    def rights() -> list[Right]:
        # It loads Kafka's client.
        from kafka_topic.access import rights_of

        topics = Topics(settings.topics.prefix)
        return rights_of(
            topics,
            job=settings.names.job,
            inputs=read_inputs(settings.gatherer.inputs_form, topics),
            # Parts run some jobs as apps.
            job_topics={
                *(topic for job in session.bundle.jobs.values() for topic in job.topics),
                *(topic for one in session.bundle.components.values() for topic in one.topics),
            },
            sinks=settings.names.sink_groups,
            shared=settings.generator.instances > 1,
        )

    return AccessStep(
        settings.names.bootstrap_servers,
        rights,
        bundle=settings.topics.prefix,
        kafka=kafka,
        depends_on=component.depends_on,
    )


def surplus_steps(session: Session, steps: Mapping[str, Step]) -> Mapping[str, SurplusStep]:
    """The step that removes rights, if there are any to remove. All other components come first."""
    access = steps.get(AccessStep.name)
    if not isinstance(access, AccessStep) or not access.unwanted():
        return {}
    return {SurplusStep.name: SurplusStep(access, depends_on=frozenset(session.bundle.components))}


def orphan_steps(session: Session, engine: Engine) -> Mapping[str, OrphanStep]:
    """The steps that remove orphans, after all other components are ready."""
    ids = {app.id for app in session.bundle.apps.values()}
    return orphans_of(engine, session.settings.group, ids, depends_on=frozenset(session.bundle.components))


def topics_of(
    session: Session,
    engine: Engine,
    component: Component,
    kafka: Callable[[], State],
    running: LiveConfig | None,
    *,
    removable: bool,
) -> TopicsStep:
    """The step of the topics of the settings, or of `running`. kafka: the state of the Kafka service."""
    settings, topics = session.settings, session.settings.topics
    generator = session.bundle.apps["data-generator"]

    def dropped() -> list[str]:
        deployed = engine.apps().get(generator.id)
        if deployed is None or running or deployed.env.get("TOPIC_PREFIX") != topics.prefix:
            return []
        before = str(deployed.env.get("POSITIONS", "")).split(",")
        return [topics.prefix + position_topic(each) for each in before if each not in settings.positions]

    specs = topic_plan(
        running.positions if running else settings.positions,
        prefix=running.prefix if running else topics.prefix,
        partitions=topics.partitions,
        replication=topics.replication,
        retention=running.retention if running else topics.retention.given,
    )
    more = dict.fromkeys(topic for each in session.bundle.components.values() for topic in each.topics)
    specs += [TopicSpec(name, topics.partitions, topics.replication) for name in more]
    return TopicsStep(
        specs,
        settings.kafka.service,
        engine,
        depends_on=component.depends_on,
        timeout=component.ready_within or settings.timeouts.package,
        kafka=kafka,
        dropped=dropped,
        removable=removable,
        settings=TopicSettings(
            running.bootstrap_servers if running else settings.names.bootstrap_servers,
            allow_retention_decrease=running.allow_retention_decrease
            if running
            else topics.allow_retention_decrease,
        ),
        # Several jobs may share one.
        of_jobs=dict.fromkeys(topic for job in session.bundle.jobs.values() for topic in job.topics),
    )
