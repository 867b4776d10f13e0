"""`pipectl destroy`: remove the bundle, in reverse dependency order."""

import sys

import click

from cli import graph, local, options
from cli import output as out
from cli.errors import Interrupted, NotAllowed, PipectlError, UsageProblem
from cli.live_config import live_config
from cli.parts import as_deployed
from cli.progress import Progress
from cli.session import Session
from cli.session_options import session_options
from cli.steps.base import Step

HINT_AFTER_STOP = "run `pipectl destroy` again to continue"


@click.command("destroy")
@session_options(reads_only=False)
@options.yes_option
@click.option("--delete-topics", is_flag=True, help="Also delete the bundle's topics and all their records.")
@click.option("--purge", is_flag=True, help="On local only: also stop the cluster and delete all its data.")
def command(run: Session, output: str, yes: bool, delete_topics: bool, purge: bool) -> None:
    """Remove the bundle in reverse dependency order. By default, Kafka and its topics stay.

    The gatherer stops with a savepoint. The next deploy resumes from it.

    --purge keeps what other clusters share, and what is only a copy: jars in the local Maven repository
    (~/.m2/repository), and archives of Java classes in the folder `pipectl` of your cache folder (~/.cache).

    \b
    Example:
      pipectl destroy --yes
      pipectl destroy --yes --purge
    """
    if purge and not run.is_local:
        raise UsageProblem(f"--purge is only for local clusters, not for {run.cluster_name}")
    if purge and run.area is not None:
        raise UsageProblem(
            f"--purge deletes the whole cluster, not only area {run.area}",
            hint="leave out --area and PIPECTL_AREA, or leave out --purge",
        )
    if run.area is not None:
        # Where nothing runs, only the settings tell a misspelt area.
        _ = run.settings
    _ask(run, yes, delete_topics, purge)
    removed: list[str] = []
    existed = not run.is_local or local.exists()
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
            # The user wants everything removed. The purge stops what could not be removed in order.
            click.secho(f"--purge continues after an error: {error.message}", fg="yellow", err=True)
        if purge:
            _purge(progress, existed)
    _show(run, removed, delete_topics, purged=purge and existed, existed=existed, as_json=output == "json")


def _ask(run: Session, yes: bool, delete_topics: bool, purge: bool) -> None:
    if yes:
        return
    extent = "the bundle's apps"
    if purge:
        extent = "the bundle, the local cluster and all its records"
    elif delete_topics:
        extent = "the bundle's apps, its topics and all their records"
    if not sys.stdin.isatty():
        raise UsageProblem(
            f"destroy would remove {extent}, but there is no terminal to ask on", hint="add --yes"
        )
    click.confirm(f"Cluster {run.label}: remove {extent}?", abort=True, err=True)


def _take_down(run: Session, progress: Progress, delete_topics: bool) -> list[str]:
    from cli.steps.bundle import dependencies_of, orphan_steps, steps_of

    # Only the topics depend on the live configuration. Apps are removed whatever their environment says.
    config = live_config(run) if delete_topics else None
    run = as_deployed(run, run.engine)
    steps: dict[str, Step] = {
        **steps_of(run, running=config, delete_topics=delete_topics),
        **orphan_steps(run, run.engine),
    }
    depends_on = {name: dependencies_of(run).get(name, frozenset()) for name in steps}
    removed, jobs_left = _remove_jobs(run, progress)

    def work(name: str) -> None:
        step = steps[name]
        with progress.step(name, "checking") as running:
            if step.remove(running.report, run.stop):
                removed.append(name)
                running.end("done", "removed")
            else:
                running.end("unchanged")

    try:
        graph.run(depends_on, work, run.stop, reverse=True)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    if jobs_left:
        jobs_left.also = f"removed {', '.join(removed) or 'nothing'}; the jobs of the bundle, if any, remain"
        raise jobs_left
    return removed


def _remove_jobs(run: Session, progress: Progress) -> tuple[list[str], NotAllowed | None]:
    """Remove the one-off jobs of the bundle with their runs. Returns their ids.

    A user who may deploy apps may lack the permission for jobs. That error is returned, not raised, because
    the apps can be removed all the same.
    """
    removed: list[str] = []
    try:
        for job in run.engine.jobs.all().values():
            if job.owner == run.settings.group:
                with progress.step(f"job {job.id}", "removing") as running:
                    run.engine.jobs.remove(job.id)
                    running.end("done", "removed")
                removed.append(job.id)
    except NotAllowed as error:
        return removed, error
    return removed, None


def _purge(progress: Progress, existed: bool) -> None:
    with progress.step("cluster", "stopping the local cluster and deleting its data") as running:
        # Processes may be left even if the folder is gone.
        local.purge()
        if existed:
            running.end("done", "stopped and deleted")
        else:
            running.end("unchanged", "there is no local cluster")


def _show(
    run: Session, removed: list[str], delete_topics: bool, *, purged: bool, existed: bool, as_json: bool
) -> None:
    if as_json:
        out.print_json({"cluster": run.cluster_name, "removed": removed, "purged": purged})
        return
    click.secho(f"Cluster {run.label}: removed {', '.join(removed) or 'nothing'}.", bold=True)
    if purged:
        click.echo("The local cluster is stopped and its data is deleted.")
    elif not existed:
        click.echo("There is no local cluster on this machine.")
    elif run.is_local and local.running():
        kept = "Kafka" if delete_topics else "Kafka with its topics"
        purge = f"`pipectl destroy{local.option()} --purge --yes`"
        click.echo(f"{kept} and the local cluster still run; {purge} removes them.")
