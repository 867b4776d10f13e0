"""`pipectl logs`: the output of an app."""

import click

from cli import options
from cli import output as out
from cli.engine.protocol import LogStream, newest_task
from cli.errors import EngineError, PipectlError, UsageProblem
from cli.parts import as_deployed
from cli.session import Session, session
from cli.standard_streams import check_reader
from marathon import component_names


@click.command("logs")
@options.cluster_option
@options.area_option
@options.overrides_option
@options.dcos_option
@options.verbose_option
@options.output_option
@click.argument("app")
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines; Ctrl-C stops.")
@click.option(
    "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="Start with this many lines."
)
@click.option("--stderr", is_flag=True, help="Show the error output instead of the output.")
def command(
    cluster: str | None,
    area: str | None,
    overrides: tuple[str, ...],
    verbose: bool,
    output: str,
    app: str,
    follow: bool,
    lines: int,
    stderr: bool,
) -> None:
    """Show the output of APP: kafka, flink-jobmanager, gatherer, … (`pipectl status` lists all).

    If an app has several instances, show the newest one.

    \b
    Example:
      pipectl logs gatherer -f
    """
    # -f means --follow here, so this command has no --file.
    if follow and output == "json":
        raise UsageProblem("-o json cannot be combined with --follow", hint="remove one of them")
    run = session(cluster, (), overrides, verbose, reads_only=True, area=area)
    stream: LogStream = "stderr" if stderr else "stdout"
    with run.complete_hints():
        _show(run, app, stream, lines, follow=follow, as_json=output == "json")


def _show(run: Session, app: str, stream: LogStream, lines: int, *, follow: bool, as_json: bool) -> None:
    task = _newest_task(run, app)
    if follow:
        _follow(run, task, stream, lines)
        return
    text = run.engine.logs(task, stream, lines)
    if as_json:
        out.print_json({"app": app, "task": task, "stream": stream, "lines": text.splitlines()})
    elif text:
        click.echo(text, nl=False)
    else:
        click.secho(f"{app} has printed nothing on {stream} yet", err=True, dim=True)


def _follow(run: Session, task: str, stream: LogStream, lines: int) -> None:
    try:
        run.engine.follow(task, stream, lines)
    except KeyboardInterrupt:
        return
    except EngineError:
        check_reader()
        raise


def _newest_task(run: Session, name: str) -> str:
    if name in component_names():  # else the error needs no cluster
        run = as_deployed(run, run.engine)
    ids = {app.name: app.id for app in run.bundle.apps.values()}
    ids |= {name: f"/{package.service}" for name, package in run.bundle.packages.items()}
    if name not in ids:
        raise UsageProblem(f"no app {name}", hint=f"the apps are {', '.join(ids)}")
    task = newest_task(run.engine, ids[name])
    if task is None:
        raise PipectlError(f"app {ids[name]} has no task", hint="`pipectl status` shows why")
    return task.id
