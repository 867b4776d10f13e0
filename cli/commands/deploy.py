"""`pipectl deploy`: bring the cluster to the bundle, in order, and prove it."""

import threading
from pathlib import Path
from typing import Any

import click

from cli import graph, local, options
from cli import output as out
from cli.deployed import deployed
from cli.errors import Interrupted, PipectlError
from cli.home import remember_cluster
from cli.progress import Progress
from cli.session import Session, session
from kafka_topic.contracts import MovingAverage

HINT_AFTER_STOP = "what runs stays; `pipectl deploy` again goes on from there"


@click.command("deploy")
@options.common_options
def command(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Deploy the bundle, wait until data flows, and show it.

    Every component is compared with what the cluster has, changed only where it differs, and waited for until
    it is healthy. The deploy has succeeded when every position has a fresh movingaverage record.

    \b
    Example:
      pipectl deploy
      pipectl deploy --cluster prod --set generator.rate=100
    """
    run = session(cluster, files, overrides, verbose, reads_only=False)
    _ = run.settings, run.bundle  # every mistake in them is shown before anything is contacted
    with Progress() as progress:
        if run.is_local:
            run = _start_local(run, progress)
        changes = _bring_up(run, progress)
        remember_cluster(run.cluster_name)
        records = _prove(run, progress)
        seconds = progress.seconds
    _show(run, changes, records, seconds, as_json=output == "json")


def _start_local(run: Session, progress: Progress) -> Session:
    progress.begin("cluster", "starting the local cluster")
    was_running = local.running()
    local.start()
    progress.end("cluster", "unchanged" if was_running else "done", f"local, at {local.address()[0]}")
    # Its ports are known only now.
    return Session(run.cluster_name, run.files, run.overrides, run.verbose)


def _bring_up(run: Session, progress: Progress) -> dict[str, str]:
    from cli.steps.bundle import NEEDS, steps_of

    steps = steps_of(run)
    changes: dict[str, str] = {}
    stop = threading.Event()

    def work(name: str) -> None:
        step = steps[name]
        progress.begin(name, "comparing")
        try:
            change = step.plan()
            changes[name] = change.action
            if change.action != "unchanged":
                progress.report(name, {"create": "creating", "update": "updating"}[change.action])
                step.apply(change)
            step.wait(lambda detail: progress.report(name, detail), stop)
        except Interrupted:
            progress.end(name, "stopped")
            raise
        except PipectlError:
            progress.end(name, "failed")
            raise
        progress.end(name, "unchanged" if change.action == "unchanged" else "done")

    try:
        graph.run(NEEDS, work, stop)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    return {name: changes[name] for name in NEEDS}


def _prove(run: Session, progress: Progress) -> dict[str, MovingAverage]:
    from cli.proof import fresh_records, freshness

    progress.begin("data", "waiting for records")
    try:
        records = fresh_records(
            deployed(run),
            max_age=freshness(run.settings),
            timeout=run.settings.waits.data,
            report=lambda detail: progress.report("data", detail),
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    except PipectlError:
        progress.end("data", "failed")
        raise
    progress.end("data", "done", f"fresh records of {len(records)} positions")
    return records


def _show(
    run: Session, changes: dict[str, str], records: dict[str, MovingAverage], seconds: float, *, as_json: bool
) -> None:
    from cli.endpoints import endpoints

    addresses = endpoints(run)
    changed = [name for name, action in changes.items() if action != "unchanged"]
    if as_json:
        import json

        document: dict[str, Any] = {
            "cluster": run.cluster_name,
            "changes": changes,
            "seconds": round(seconds, 1),
            "records": [json.loads(record.to_json()) for record in records.values()],
            "endpoints": addresses,
        }
        out.print_json(document)
        return
    click.echo()
    out.print_table(out.RECORD_COLUMNS, map(out.record_row, records.values()))
    click.echo()
    did = f"changed {', '.join(changed)}" if changed else "nothing to do, all as wanted"
    click.secho(
        f"Cluster {run.cluster_name}: {did}; data flows on all {len(records)} positions ({seconds:.0f} s).",
        bold=True,
    )
    for name, address in addresses.items():
        click.echo(f"  {name:<8} {address}")
    click.echo("Next: `pipectl watch`, `pipectl status`, `pipectl logs gatherer`, `pipectl destroy`.")
