"""`pipectl run`: runs a one-off job and waits for its end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches

import click

from cli import output as out
from cli.engine.protocol import Engine, JobManifest, JobRun
from cli.errors import EngineError, Interrupted, PipectlError, Unhealthy, UsageProblem
from cli.job_watch import Outcome, watch
from cli.parts import check_requirements, check_spark_image, with_remembered
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.plan import TopicSpec
from marathon.model import Job


@click.command("run")
@session_options(reads_only=False)
@click.argument("job")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="What the job `sink` reads: movingaverage, signals, ticks, prices, replay, random-numbers or "
    "monitoring.",
)
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    help="Where the job `sink` writes: disk, hdfs, cassandra, mysql or webhook.",
)
def command(run: Session, output: str, job: str, source: str | None, target: str | None) -> None:
    """Run the one-off JOB on the cluster, show its output, and end with its exit code.

    `pipectl jobs` lists the jobs. If a run is active, this command follows it and starts no other. Ctrl-C
    ends this command but not the run: `pipectl jobs stop JOB` ends it.

    \b
    Example:
      pipectl run produce-prices
      pipectl run produce-prices --set sources.prices.count=10000
      pipectl run sink --from movingaverage --to mysql
      pipectl run prices-report --set spark.report.source=disk --set spark.report.output=json
      pipectl run query-volatility-by-hour --set spark.queries.store=hdfs
    """
    run = _with_route(run, job, source=source, target=target)
    declared = _declared(run, job)
    if job == "sink":
        _check_target(run)
    if job.startswith("query-"):
        _check_store(run, run.settings.spark.queries.store)
    if job == "prices-report":
        _check_store(run, run.settings.spark.report.source)
    engine = run.engine
    engine.check()
    run = with_remembered(run, engine)
    declared = _declared(run, job)
    _check_part(run, declared)
    if declared.uses_spark:
        check_spark_image(run)
    _check_dependencies(run, engine, declared)
    _create_topics(run, engine, declared)
    with _run_stays_active(run, declared):
        started = _started(run, engine, declared)
        outcome = watch(engine.jobs, started, run.stop, quiet=output == "json")
    if output == "json":
        out.print_json(_document(declared, outcome))
    else:
        _tell(declared, outcome)
    raise click.exceptions.Exit(outcome.exit_code)


def _with_route(run: Session, job: str, **route: str | None) -> Session:
    """The session with the source and the target of the job `sink`."""
    given = {name: value for name, value in route.items() if value is not None}
    if given and job != "sink":
        raise UsageProblem("only the job sink has --from and --to")
    more = tuple(f"sink.{name}={json.dumps(value)}" for name, value in given.items())
    return replace(run, overrides=(*run.overrides, *more)) if more else run


def _declared(run: Session, name: str) -> Job:
    jobs = run.bundle.jobs
    if name not in jobs:
        near = get_close_matches(name, jobs, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageProblem(f"no job {name}", hint=f"{guess}the jobs are {', '.join(jobs)}")
    return jobs[name]


def _check_part(run: Session, job: Job) -> None:
    if job.part is not None and job.part not in {*run.settings.parts, *run.with_parts}:
        raise UsageProblem(
            f"job {job.name} belongs to the part {job.part}, which is disabled",
            hint=f"`pipectl deploy --with {job.part}` enables it",
        )


def _check_target(run: Session) -> None:
    target = run.settings.sink.target
    if target == "webhook":
        check_requirements(run, [target])
    _check_store(run, target)


def _check_store(run: Session, store: str) -> None:
    if store == "disk" and run.settings.stores.disk is None:
        raise UsageProblem(
            "the store disk needs stores.disk, the folder for results",
            hint="--set stores.disk=/mnt/shared/volatility; it must be the same on every agent",
        )


def _check_dependencies(run: Session, engine: Engine, job: Job) -> None:
    from cli.steps.bundle import steps_of

    steps = steps_of(run, engine=engine)
    for name in job.depends_on:
        state = steps[name].state() if name in steps else None
        if state is None or not state.ready:
            how = "is disabled" if state is None else f"is {state.state}: {state.detail}"
            raise Unhealthy(
                f"job {job.name} needs {name}, which {how.removesuffix(': ')}",
                hint="`pipectl deploy` starts it",
            )


def _create_topics(run: Session, engine: Engine, job: Job) -> None:
    service, topics = run.settings.kafka.service, run.settings.topics
    there = set(engine.kafka.topics(service)) if job.topics else set()
    for name in job.topics:
        if name not in there:
            click.secho(f"creating topic {name}", err=True, dim=True)
            engine.kafka.create_topic(service, TopicSpec(name, topics.partitions, topics.replication))


def _started(run: Session, engine: Engine, job: Job) -> JobRun:
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
        click.secho(f"run {there.active[0].id} is active: following it", err=True, dim=True)
        return there.active[0]
    jobs.put(manifest)
    started = jobs.start(job.id)
    click.secho(f"started run {started.id} of {job.name}", err=True, dim=True)
    return started


@contextmanager
def _run_stays_active(run: Session, job: Job) -> Iterator[None]:
    """If this command ends early, report that the run is still active."""
    again = f"`pipectl run {job.name}` follows it, `pipectl jobs stop {job.name}` ends it"
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(f"interrupted; the run of {job.name} continues", hint=again) from None
    except EngineError as error:
        error.also = f"a run of {job.name} that has started continues: {again}"
        raise


def _document(job: Job, outcome: Outcome) -> dict[str, object]:
    return {
        "job": job.name,
        "run": outcome.run.id,
        "status": "succeeded" if outcome.run.succeeded else "failed",
        "exit_code": outcome.exit_code,
        "stdout": list(outcome.stdout),
        "stderr": list(outcome.stderr),
    }


def _tell(job: Job, outcome: Outcome) -> None:
    run = outcome.run
    seconds = (run.ended_at - run.started_at).total_seconds() if run.ended_at else 0.0
    if run.succeeded:
        click.secho(f"{job.name} succeeded after {seconds:.1f} s", fg="green", err=True)
    else:
        how = (
            "was stopped, or did not start"
            if outcome.code is None
            else f"ended with exit code {outcome.code}"
        )
        click.secho(f"error: {job.name} failed after {seconds:.1f} s: it {how}", fg="red", err=True)
