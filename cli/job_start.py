"""Starting a run of a one-off job, unless one is active."""

from __future__ import annotations

from collections.abc import Callable

from cli.engine.protocol import Engine, JobManifest, JobRun
from cli.errors import PipectlError
from cli.session import Session
from kafka_topic.plan import TopicSpec
from marathon.model import Job


def create_topics(run: Session, engine: Engine, job: Job, report: Callable[[str], None]) -> None:
    """Create the topics that the job needs and Kafka lacks."""
    service, topics = run.settings.kafka.service, run.settings.topics
    there = set(engine.kafka.topics(service)) if job.topics else set()
    for name in job.topics:
        if name not in there:
            report(f"creating topic {name}")
            engine.kafka.create_topic(service, TopicSpec(name, topics.partitions, topics.replication))


def start(run: Session, engine: Engine, job: Job, report: Callable[[str], None]) -> JobRun:
    """Start a run of the job, or return the active one.

    Raises PipectlError if the job belongs to another bundle, or its active run has other settings.
    """
    manifest, jobs = JobManifest.of(job), engine.jobs
    there = jobs.all().get(job.id)
    if there is not None and there.owner != run.settings.group:
        raise PipectlError(
            f"job {job.id} exists, but does not belong to this bundle",
            hint="choose another `group`, or remove that job",
        )
    if there is not None and there.active:
        if jobs.differences(manifest, there):
            raise PipectlError(
                f"a run of {job.name} with other settings is active",
                hint=f"`pipectl jobs stop {job.name}` ends it; or wait for its end",
            )
        report(f"run {there.active[0].id} is active: following it")
        return there.active[0]
    jobs.put(manifest)
    started = jobs.start(job.id)
    report(f"started run {started.id} of {job.name}")
    return started
