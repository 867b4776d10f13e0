"""`pipectl plan`: what deploy would do."""

from pathlib import Path

import click

from cli import local, options
from cli import output as out
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Engine
from cli.errors import PipectlError
from cli.planning import Plan, plan_of
from cli.session import Session, session

CHANGES = 2


@click.command("plan")
@options.common_options
@options.selection_options
@options.adopt_option
@options.parts_options
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    adopt: tuple[str, ...],
    wanted_parts: tuple[str, ...],
    unwanted_parts: tuple[str, ...],
) -> None:
    """Show what deploy would do, component by component, and change nothing.

    Each is created, updated, removed or unchanged, with the differences below it. Exit code 0: no changes,
    1: an error, 2: changes (or, as everywhere, settings that are wrong).

    \b
    Example:
      pipectl plan
      pipectl plan --cluster prod --set generator.rate=100 -o json
    """
    run = session(cluster, files, overrides, verbose, reads_only=True)
    _ = run.bundle
    plan = plan_of(
        run,
        _engine(run),
        only=only,
        skip=skip,
        adopt=adopt,
        wanted_parts=wanted_parts,
        unwanted_parts=unwanted_parts,
    )
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "changed": bool(plan.changed), **plan.document()})
    else:
        _show(run, plan)
    if plan.changed:
        raise click.exceptions.Exit(CHANGES)


def _engine(run: Session) -> Engine:
    if not run.is_local or local.running():
        return run.engine
    if local.exists():
        raise PipectlError("the local cluster is not running", hint="`pipectl deploy` starts it and goes on")
    return MemoryEngine()


def _show(run: Session, plan: Plan) -> None:
    plan.show(err=False, creations=True)
    counts = [
        f"{number} to {action}"
        for action in ("create", "update", "remove")
        if (number := sum(change.action == action for change in plan.changes.values()))
    ]
    click.secho(f"Cluster {run.cluster_name}: {', '.join(counts) or 'no changes'}.", bold=True)
