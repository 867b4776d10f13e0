"""Runs the jobs of the census: one loads the data set, the next computes its statistics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cli.errors import StepFailed
from cli.job_start import create_topics, start
from cli.session import Session
from cli.steps.base import wait_until

JOBS = ("census", "census-statistics")
"""In this order. A repeated run of either changes nothing."""
TIMEOUT = timedelta(minutes=15)
"""Of each; a busy cluster may take minutes to find room for it."""


def run_census_jobs(run: Session, report: Callable[[str], None]) -> None:
    """Run both jobs to their ends; a run that is active counts.

    Raises StepFailed if one fails, and WaitTimeout if it does not end.
    """
    for name in JOBS:
        _run_job(run, name, report)


def _run_job(run: Session, name: str, report: Callable[[str], None]) -> None:
    job, engine = run.bundle.jobs[name], run.engine
    create_topics(run, engine, job, report)
    seen = start(run, engine, job, report)

    def ended() -> bool:
        nonlocal seen
        seen = engine.jobs.state(seen)
        return seen.ended_at is not None

    hint = f"`pipectl run {name}` follows it"
    wait_until(ended, what=f"the job {name} to end", timeout=TIMEOUT, stop=run.stop, hint=hint)
    if not seen.succeeded:
        last = "".join(f": {line}" for line in engine.jobs.output(seen, "stderr")[-1:])
        raise StepFailed(
            f"the job {name} failed{last}", hint=f"`pipectl run {name}` runs it again and shows its output"
        )
