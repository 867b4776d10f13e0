"""`pipectl jobs`: the one-off jobs and their last runs."""

from datetime import datetime
from typing import Any

import click

from cli import output as out
from cli.engine.protocol import JobStatus
from cli.errors import UsageProblem
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.contracts import format_time


@click.group("jobs", invoke_without_command=True)
@session_options(reads_only=True)
def command(run: Session, output: str) -> None:
    """List the one-off jobs and the state of their last runs. `pipectl run JOB` runs one.

    \b
    Example:
      pipectl jobs
      pipectl jobs -o json
      pipectl jobs stop produce-prices
    """
    rows = _rows(run)
    if output == "json":
        out.print_json(rows)
        return
    columns = ("job", "last run", "at (UTC)", "part", "description")
    out.print_table(
        columns,
        [
            (row["job"], row["last_run"], row["at"] or "-", row["part"] or "-", row["description"] or "-")
            for row in rows
        ],
    )


@command.command("stop")
@session_options(reads_only=False)
@click.argument("job")
def stop(run: Session, output: str, job: str) -> None:
    """Stop the active runs of JOB; they count as failed. JOB may be any job that `pipectl jobs` lists.

    \b
    Example:
      pipectl jobs stop produce-prices
    """
    there = _ours(run)
    declared = {name: declared.id for name, declared in run.bundle.jobs.items()}
    # Jobs that an earlier version of the bundle declared have their ids as names.
    known = declared | {job_id: job_id for job_id in there if job_id not in declared.values()}
    if job not in known:
        raise UsageProblem(f"no job {job}", hint=f"the jobs are {', '.join(known)}")
    status = there.get(known[job])
    active = list(status.active) if status is not None else []
    for each in active:
        run.engine.jobs.stop(each)
    if output == "json":
        out.print_json({"job": job, "stopped": [each.id for each in active]})
    else:
        click.echo(f"Stopped {', '.join(each.id for each in active)}." if active else "No run is active.")


def _ours(run: Session) -> dict[str, JobStatus]:
    """The bundle's jobs on the cluster, by id."""
    return {job.id: job for job in run.engine.jobs.all().values() if job.owner == run.settings.group}


def _rows(run: Session) -> list[dict[str, Any]]:
    there, rows = _ours(run), []
    for name, job in run.bundle.jobs.items():
        last, at = _last(there.pop(job.id, None))
        rows.append(_row(name, last, at, job.part, job.description))
    # Jobs that an earlier version of the bundle declared.
    rows += [_row(job.id, *_last(job), None, None) for job in there.values()]
    return rows


def _row(
    name: str, last: str, at: datetime | None, part: str | None, description: str | None
) -> dict[str, Any]:
    shown = format_time(at) if at else None
    return {"job": name, "last_run": last, "at": shown, "part": part, "description": description}


def _last(job: JobStatus | None) -> tuple[str, datetime | None]:
    """The state of the last run, and when it began."""
    if job is None:
        return "never", None
    if job.active:
        return "running", job.active[0].started_at
    ends = [(at, word) for at, word in ((job.succeeded_at, "succeeded"), (job.failed_at, "failed")) if at]
    if not ends:
        return "never", None
    at, word = max(ends)
    return word, at
