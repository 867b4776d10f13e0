"""`pipectl deploy`: bring the cluster to the bundle, in order, and prove it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli import local, options
from cli import output as out
from cli.errors import Interrupted
from cli.first_look import set_initial_limits, what_you_see
from cli.home import remember_cluster
from cli.live_config import live_config
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import HINT_AFTER_STOP, carry_out, confirm
from cli.session import Session, session
from kafka_topic.contracts import MovingAverage


@click.command("deploy")
@options.common_options
@options.selection_options
@options.adopt_option
@options.parts_options
@options.yes_option
@click.option("--atomic", is_flag=True, help="On failure, put the previous definitions back.")
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
    yes: bool,
    atomic: bool,
) -> None:
    """Deploy the bundle, wait until data flows, and show it.

    Every component is compared with what the cluster has, changed only where it differs, and waited for until
    it is healthy. The deploy has succeeded when every position has a fresh movingaverage record.

    What would change or remove something that exists is shown first, and asked for unless --yes. Without a
    terminal to ask on, that ends with exit code 2.

    \b
    Example:
      pipectl deploy
      pipectl deploy --cluster prod --set generator.rate=100 --yes
      pipectl deploy --only gatherer --atomic
      pipectl deploy --with dashboard
    """
    run = session(cluster, files, overrides, verbose, reads_only=False)
    _ = run.settings, run.bundle  # every mistake in them is shown before anything is contacted
    with Progress() as progress:
        if run.is_local:
            run = _start_local(run, progress)
        plan = _planned(
            run,
            progress,
            only=only,
            skip=skip,
            adopt=adopt,
            wanted_parts=wanted_parts,
            unwanted_parts=unwanted_parts,
        )
        run = plan.run
        with progress.paused():
            confirm(plan, run.cluster_name, yes=yes)
        carry_out(plan, progress, run.stop, atomic=atomic)
        remember_cluster(run.cluster_name)
        records = _prove(run, progress) if _whole(plan, run) else None
        first = records is not None and _is_first(run, plan)
        seconds = progress.seconds
    _show(run, plan, records, seconds, first=first, as_json=output == "json")


def _start_local(run: Session, progress: Progress) -> Session:
    with progress.step("cluster", "starting the local cluster") as running:
        was_running = local.running()
        local.start()
        running.end("unchanged" if was_running else "done", f"local, at {local.address()[0]}")
    # Its ports are known only now.
    return replace(run)


def _planned(run: Session, progress: Progress, **choices: tuple[str, ...]) -> Plan:
    try:
        with progress.step("plan", "comparing") as running:
            plan = plan_of(run, run.engine, report=running.report, **choices)
            changed = [f"{plan.changes[name].action} {name}" for name in plan.changed]
            running.end("done" if changed else "unchanged", ", ".join(changed) or "all as wanted")
    except KeyboardInterrupt:
        run.stop.set()
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return plan


def _whole(plan: Plan, run: Session) -> bool:
    """Whether data can flow: nothing was left out, or what was left out is there."""
    if not plan.partial:
        return True
    there = run.engine.apps()
    return all(app.id in there for app in run.bundle.apps.values())


def _prove(run: Session, progress: Progress) -> dict[str, MovingAverage]:
    from cli.verify import fresh_records

    gatherer = run.settings.gatherer
    try:
        with progress.step("data", "waiting for records") as running:
            records = fresh_records(
                live_config(run),
                max_age=run.settings.freshness,
                # A window of a long slide comes that much later.
                timeout=run.settings.timeouts.data + gatherer.windows[gatherer.shortest],
                report=running.report,
            )
            running.end("done", f"fresh records of {len(records)} positions")
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return records


def _is_first(run: Session, plan: Plan) -> bool:
    """Whether it is the bundle's first whole deploy, which sets its initial limits."""
    have_set = set_initial_limits(run)
    return plan.creates("topics") if have_set is None else have_set


def _show(
    run: Session,
    plan: Plan,
    records: dict[str, MovingAverage] | None,
    seconds: float,
    *,
    first: bool,
    as_json: bool,
) -> None:
    from cli.endpoints import LINK_NOTE, endpoints, page_link

    proven = records is not None
    addresses = endpoints(run) if proven else {}
    if as_json:
        import json

        document: dict[str, Any] = {
            "cluster": run.cluster_name,
            "changes": {name: change.action for name, change in plan.changes.items()},
            "seconds": round(seconds, 1),
            "records": [json.loads(record.to_json()) for record in (records or {}).values()],
            "endpoints": addresses,
        }
        out.print_json(document)
        return
    # All that is asked is asked before anything is said: a verdict isn't followed by an error.
    link = page_link(run) if "dashboard" in addresses else None
    click.echo()
    if records:
        out.print_table(out.RECORD_COLUMNS, map(out.record_row, records.values()))
        click.echo()
    changed = plan.changed
    did = f"changed {', '.join(changed)}" if changed else "nothing to do, all as wanted"
    data = (
        f"data flows on all {len(records)} positions"
        if records is not None
        else "the bundle is not whole, so that no data was looked for"
    )
    click.secho(f"Cluster {run.cluster_name}: {did}; {data} ({seconds:.0f} s).", bold=True)
    for name, address in addresses.items():
        click.echo(f"  {name:<9} {address}")
    if first:
        click.echo("\n".join(what_you_see(run.settings, run.option)))
    following = ("watch", "status", "logs gatherer", "destroy")
    click.echo(f"Next: {', '.join(f'`pipectl {verb}{run.option}`' for verb in following)}.")
    if link:
        click.echo(f"See it: {link}" + (f"  ({LINK_NOTE})" if run.is_local else ""))
