"""`pipectl destroy`: take the bundle down, in reverse order."""

import sys
from pathlib import Path

import click

from cli import graph, local, options
from cli import output as out
from cli.deployed import deployed
from cli.errors import Interrupted, PipectlError, UsageProblem
from cli.progress import Progress
from cli.session import Session, session
from cli.steps.base import Step

HINT_AFTER_STOP = "`pipectl destroy` again goes on from there"


@click.command("destroy")
@options.common_options
@options.yes_option
@click.option(
    "--delete-topics", is_flag=True, help="Also delete the bundle's topics and all records in them."
)
@click.option("--purge", is_flag=True, help="Only on local: also end the cluster and clear all that it kept.")
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    yes: bool,
    delete_topics: bool,
    purge: bool,
) -> None:
    """Take the bundle down, in reverse order. Kafka and its topics stay unless you name them.

    The gatherer ends with a savepoint, from which the next deploy goes on.

    \b
    Example:
      pipectl destroy --yes
      pipectl destroy --yes --purge
    """
    run = session(cluster, files, overrides, verbose, reads_only=False)
    if purge and not run.is_local:
        raise UsageProblem(f"--purge is only for the cluster local, not for {run.cluster_name}")
    _ask(run, yes, delete_topics, purge)
    removed: list[str] = []
    with Progress() as progress:
        try:
            if not run.is_local or local.running():
                removed = _take_down(run, progress, delete_topics)
            elif not purge:
                with progress.step("cluster", "the local cluster is not running") as running:
                    running.end("unchanged")
        except PipectlError as error:
            if not purge or isinstance(error, Interrupted):
                raise
            # The user has asked for everything to go; purging ends what could not be taken down in order.
            click.secho(f"going on with --purge after: {error.message}", fg="yellow", err=True)
        if purge:
            with progress.step("cluster", "ending the local cluster and clearing its folder") as running:
                local.purge()
                running.end("done", "ended and cleared")
    _show(run, removed, delete_topics, purge, as_json=output == "json")


def _ask(run: Session, yes: bool, delete_topics: bool, purge: bool) -> None:
    if yes:
        return
    extent = "the bundle's apps"
    if purge:
        extent = "the bundle, the local cluster and all records in it"
    elif delete_topics:
        extent = "the bundle's apps, its topics and all records in them"
    if not sys.stdin.isatty():
        raise UsageProblem(
            f"destroy would remove {extent}, and there is no terminal to ask on", hint="add --yes"
        )
    click.confirm(f"Cluster {run.cluster_name}: remove {extent}?", abort=True, err=True)


def _take_down(run: Session, progress: Progress, delete_topics: bool) -> list[str]:
    from cli.steps.bundle import leftover_steps, needs_of, steps_of
    from cli.steps.topics import TopicsStep

    # Only the topics go by what runs, and apps go whatever their environment says.
    running = deployed(run) if delete_topics else None
    steps: dict[str, Step] = {**steps_of(run, running=running), **leftover_steps(run, run.engine)}
    needs = {name: needs_of(run).get(name, frozenset()) for name in steps}
    removed = _remove_jobs(run, progress)

    def work(name: str) -> None:
        step = steps[name]
        take_away = step.delete if isinstance(step, TopicsStep) and delete_topics else step.remove
        with progress.step(name, "looking") as running:
            if take_away(running.report, run.stop):
                removed.append(name)
                running.end("done", "removed")
            else:
                running.end("unchanged")

    try:
        graph.run(needs, work, run.stop, reverse=True)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return removed


def _remove_jobs(run: Session, progress: Progress) -> list[str]:
    """Remove the one-off jobs of the bundle with their runs; returns their ids."""
    ours = [job.id for job in run.engine.jobs.all().values() if job.owner == run.settings.group]
    for job_id in ours:
        with progress.step(f"job {job_id}", "removing") as running:
            run.engine.jobs.remove(job_id)
            running.end("done", "removed")
    return ours


def _show(run: Session, removed: list[str], delete_topics: bool, purge: bool, *, as_json: bool) -> None:
    if as_json:
        out.print_json({"cluster": run.cluster_name, "removed": removed, "purged": purge})
        return
    click.secho(f"Cluster {run.cluster_name}: removed {', '.join(removed) or 'nothing'}.", bold=True)
    if purge:
        click.echo("The local cluster has ended and its folder is cleared.")
    elif run.is_local and local.running():
        kept = "Kafka" if delete_topics else "Kafka with its topics"
        click.echo(f"{kept} and the local cluster go on; `pipectl destroy --purge --yes` ends them too.")
