"""`pipectl deploy`: deploy the bundle in dependency order, and verify that data flows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from cli import local, options
from cli import output as out
from cli.errors import Interrupted, PipectlError
from cli.first_look import set_initial_limits, what_you_see
from cli.home import remember_cluster
from cli.kafka_login import keep_kafka_secrets
from cli.live_config import live_config
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import HINT_AFTER_STOP, carry_out, confirm
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.contracts import MovingAverage


@click.command("deploy")
@session_options(reads_only=False)
@options.choice_options
@options.yes_option
@click.option("--atomic", is_flag=True, help="On failure, restore the previous definitions.")
def command(run: Session, output: str, choices: Mapping[str, Any], yes: bool, atomic: bool) -> None:
    """Deploy the bundle, wait until data flows, and show it.

    Compare every component with the cluster, change only the differences, and wait until it is healthy. The
    deploy succeeds when every position has a fresh movingaverage record, and, if the page is enabled, every
    flow whose source is an app has fresh results on it. If a flow of the census is empty, its jobs run.

    Changes and removals of existing components are shown first and need your confirmation, or --yes. Without
    a terminal and without --yes, the deploy ends with exit code 2.

    \b
    Example:
      pipectl deploy
      pipectl deploy --cluster prod --set generator.rate=100 --yes
      pipectl deploy --only gatherer --atomic
      pipectl deploy --with mysql
    """
    deploy(run, output, yes=yes, atomic=atomic, **choices)


def deploy(
    run: Session,
    output: str,
    *,
    yes: bool,
    atomic: bool = False,
    always_ask: bool = False,
    **choices: tuple[str, ...],
) -> None:
    """Deploy a session's bundle, wait until data flows, and show it.

    always_ask: show the plan and ask even if it only creates. choices: those of `plan_of`.
    """
    began = datetime.now(UTC)
    _ = run.settings, run.bundle  # report every error before contacting anything
    with Progress() as progress:
        if run.is_local:
            run = _start_local(run, progress)
        if run.area is not None:
            _check_area(run, run.area)
        plan = _plan(run, progress, **choices)
        run = plan.run
        with progress.paused():
            confirm(plan, run.label, yes=yes, always=always_ask)
        nothing_to_do = carry_out(plan, progress, run.stop, atomic=atomic)
        remember_cluster(run.cluster_name)
        # Where everything was there and ready, the records that came meanwhile prove the flow.
        since = began if nothing_to_do and not plan.partial else datetime.now(UTC)
        records = _verify(run, progress, since) if _is_complete(plan, run) else None
        if records is not None:
            _verify_flows(run, progress)
        first = records is not None and _is_first(run, plan)
        seconds = progress.seconds
    _show(run, plan, records, seconds, first=first, as_json=output == "json")


def _start_local(run: Session, progress: Progress) -> Session:
    with progress.step("cluster", "checking the local cluster") as running:
        was_running = local.running()
        if not was_running:
            running.report("starting the local cluster")
        local.start(run.area, run.settings.local.agents)
        keep_kafka_secrets(run.settings.kafka.security, local.secrets_folder())
        running.end("unchanged" if was_running else "done", f"{run.cluster_name}, at {local.address()[0]}")
    # The first start chooses the ports. A new session reads them.
    return replace(run)


def _check_area(run: Session, area: str) -> None:
    """Raise PipectlError if the area is not created: its apps would be without its quota for good."""
    if area not in run.engine.areas.all():
        raise PipectlError(
            f"cluster {run.cluster_name} has no area {area} yet",
            hint=f"create it with `pipectl area create {area}`",
        )


def _plan(run: Session, progress: Progress, **choices: tuple[str, ...]) -> Plan:
    try:
        with progress.step("plan", "comparing") as running:
            plan = plan_of(run, run.engine, report=running.report, **choices)
            changed = [f"{plan.changes[name].action} {name}" for name in plan.changed]
            running.end("done" if changed else "unchanged", ", ".join(changed) or "no changes")
    except KeyboardInterrupt:
        run.stop.set()
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return plan


def _is_complete(plan: Plan, run: Session) -> bool:
    """Whether the whole bundle runs: no component was left out, or all apps exist anyway."""
    if not plan.partial:
        return True
    existing = run.engine.apps()
    return all(app.id in existing for app in run.bundle.apps.values())


def _verify(run: Session, progress: Progress, since: datetime) -> dict[str, MovingAverage]:
    from cli.verify import fresh_records

    gatherer = run.settings.gatherer
    try:
        with progress.step("data", "waiting for records") as running:
            records = fresh_records(
                live_config(run),
                since=since,
                max_age=run.settings.freshness,
                # A window with a long slide arrives later by that much.
                timeout=run.settings.timeouts.data + gatherer.windows[gatherer.shortest],
                report=running.report,
            )
            running.end("done", f"fresh records of {len(records)} positions")
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return records


def _verify_flows(run: Session, progress: Progress) -> None:
    """Wait until the flows have data, as the page sees them."""
    from cli.flow_waiting import expected_states, wait_for_flows

    if "dashboard" not in run.bundle.apps or not expected_states(run):
        return
    try:
        with progress.step("flows", "waiting for results") as running:
            streams = run.settings.spark.streams
            timeout = run.settings.timeouts.data + streams.window + streams.delay
            count = wait_for_flows(run, timeout=timeout, report=running.report)
            running.end("done", f"results of {count} flows")
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None


def _is_first(run: Session, plan: Plan) -> bool:
    """Set the initial limits if none were ever set; returns whether this is the first complete deploy."""
    were_set = set_initial_limits(run)
    return plan.creates("topics") if were_set is None else were_set


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

    verified = records is not None
    addresses = endpoints(run) if verified else {}
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
    # Make all requests before printing, so that no error follows the result.
    link = page_link(run) if "dashboard" in addresses else None
    click.echo()
    if records:
        out.print_table(out.RECORD_COLUMNS, map(out.record_row, records.values()))
        click.echo()
    changed = plan.changed
    result = f"changed {', '.join(changed)}" if changed else "no changes"
    data = (
        f"data flows on all {len(records)} positions"
        if records is not None
        else "the bundle is not complete, so data was not verified"
    )
    click.secho(f"Cluster {run.label}: {result}; {data} ({seconds:.0f} s).", bold=True)
    for name, address in addresses.items():
        click.echo(f"  {name:<9} {address}")
    if first:
        click.echo("\n".join(what_you_see(run.settings, run.option)))
    following = ("watch", "status", "logs gatherer", "destroy")
    click.echo(f"Next: {', '.join(f'`pipectl {verb}{run.option}`' for verb in following)}.")
    if link:
        click.echo(f"Live page: {link}" + (f"  ({LINK_NOTE})" if run.is_local else ""))
