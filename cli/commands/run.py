"""`pipectl run`: runs a one-off job and waits for its end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches

import click

from cli import output as out
from cli.engine.protocol import Engine
from cli.errors import EngineError, Interrupted, Unhealthy, UsageProblem
from cli.job_start import create_topics, start
from cli.job_watch import Outcome, watch
from cli.parts import check_requirements, check_spark_image, with_remembered
from cli.session import Session
from cli.session_options import session_options
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
    create_topics(run, engine, declared, _dimmed)
    with _run_stays_active(run, declared):
        started = start(run, engine, declared, _dimmed)
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


def _dimmed(text: str) -> None:
    click.secho(text, err=True, dim=True)


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
