"""`pipectl plan`: what deploy would do."""

from collections.abc import Mapping
from typing import Any

import click

from cli import local, options
from cli import output as out
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Engine
from cli.errors import PipectlError
from cli.planning import Plan, plan_of
from cli.session import Session
from cli.session_options import session_options

CHANGES = 2


@click.command("plan")
@session_options(reads_only=True)
@options.choice_options
@click.option("--full", is_flag=True, help="Also show the definitions of components to create.")
def command(run: Session, output: str, choices: Mapping[str, Any], full: bool) -> None:
    """Show what deploy would do to each component; changes nothing.

    A component is created, updated, removed or unchanged. Differences are shown as a diff. Exit code 0 means
    no changes, 1 an error, 2 changes (or, as for every command, invalid settings).

    \b
    Example:
      pipectl plan
      pipectl plan --cluster prod --set generator.rate=100 -o json
    """
    _ = run.bundle
    plan = plan_of(run, _engine(run), **choices)
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "changed": bool(plan.changed), **plan.document()})
    else:
        _show(run, plan, full=full)
    if plan.changed:
        raise click.exceptions.Exit(CHANGES)


def _engine(run: Session) -> Engine:
    if not run.is_local or local.running():
        return run.engine
    if local.exists():
        error = local.not_running()
        raise PipectlError(error.message, hint=error.hint)
    return MemoryEngine()


def _show(run: Session, plan: Plan, *, full: bool) -> None:
    plan.show(err=False, creations=full)
    counts = [
        f"{number} to {action}"
        for action in ("create", "update", "remove")
        if (number := sum(change.action == action for change in plan.changes.values()))
    ]
    click.secho(f"Cluster {run.label}: {', '.join(counts) or 'no changes'}.", bold=True)
    if not full and any(change.action == "create" for change in plan.changes.values()):
        click.echo("`--full` also shows the definitions of what would be created.")
