"""`pipectl status`: is every component healthy, and does data flow on every position?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli import local, options
from cli import output as out
from cli.cluster import Cluster, NoClusterYet
from cli.dcos import Dcos
from cli.deployed import Deployed, deployed
from cli.errors import DcosError, Unhealthy
from cli.session import Session, session
from kafka_topic.contracts import format_time
from kafka_topic.names import Topics

KAFKA_SECONDS = 10.0


@click.command("status")
@options.common_options
def command(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Show how every component and every position is. Exit code 0 when all is healthy, 4 when not.

    A position is `fresh` while its last movingaverage record is recent, `stale` when it stopped, and `silent`
    when there never was one. `lag` counts the ticks that the gatherer has not read yet.

    \b
    Example:
      pipectl status
      pipectl status --cluster prod -o json
    """
    run = session(cluster, files, overrides, verbose, reads_only=True)
    _ = run.bundle
    if run.is_local and not local.running():
        if output == "json":
            _print_nothing_runs(run)
        local.address()  # says so when there is none at all
        raise Unhealthy("the local cluster is not running", hint="`pipectl deploy` starts it and goes on")
    run.cluster.check()  # once, and not for every component, when it can't be reached
    components = _components(run, run.cluster)
    positions, trouble = _positions(run, deployed(run))
    healthy = all(c["state"] == "healthy" for c in components) and all(
        p["state"] == "fresh" for p in positions
    )
    if output == "json":
        document = {
            "cluster": run.cluster_name,
            "healthy": healthy,
            "components": components,
            "positions": positions,
        }
        out.print_json({**document, "problem": trouble} if trouble else document)
    else:
        _show(run, components, positions, trouble, healthy)
    if not healthy:
        raise click.exceptions.Exit(Unhealthy.exit_code)


def _print_nothing_runs(run: Session) -> None:
    topics = Topics(run.settings.topics.prefix)
    positions = [_unknown(symbol, topics) for symbol in run.settings.positions]
    components = _components(run, NoClusterYet(Dcos((), {})))
    document = {
        "cluster": run.cluster_name,
        "healthy": False,
        "components": components,
        "positions": positions,
    }
    out.print_json({**document, "problem": "the local cluster is not running"})


def _unknown(symbol: str, topics: Topics) -> dict[str, Any]:
    nothing = {"last_window_end": None, "age_seconds": None, "lag": None, "state": "unknown"}
    return {"symbol": symbol, "topic": topics.position(symbol), **nothing}


def _components(run: Session, cluster: Cluster) -> list[dict[str, str]]:
    from cli.steps.bundle import steps_of

    found = []
    for name, step in steps_of(run, cluster=cluster).items():
        try:
            state = step.state()
        except DcosError as error:
            found.append({"name": name, "kind": step.kind, "state": "unknown", "detail": error.message})
        else:
            found.append({"name": name, "kind": step.kind, "state": state.state, "detail": state.detail})
    return found


def _positions(run: Session, bundle: Deployed) -> tuple[list[dict[str, Any]], str | None]:
    """The positions as they are, and why they can't be read, if so."""
    from kafka_topic.errors import KafkaTopicError
    from kafka_topic.status import position_status

    try:
        read = position_status(
            bundle.bootstrap_servers,
            bundle.positions,
            prefix=bundle.prefix,
            group=bundle.group,
            timeout=KAFKA_SECONDS,
        )
    except (KafkaTopicError, TimeoutError) as error:
        topics = Topics(bundle.prefix)
        return [_unknown(symbol, topics) for symbol in bundle.positions], str(error)
    now, limit = datetime.now(UTC), run.settings.freshness.total_seconds()
    return [
        {
            "symbol": status.symbol,
            "topic": status.topic,
            "last_window_end": format_time(status.last_window_end) if status.last_window_end else None,
            "age_seconds": round((now - status.last_window_end).total_seconds(), 1)
            if status.last_window_end
            else None,
            "lag": status.lag,
            "state": _state(now, status.last_window_end, limit),
        }
        for status in read
    ], None


def _state(now: datetime, last: datetime | None, limit: float) -> str:
    if last is None:
        return "silent"
    return "fresh" if (now - last).total_seconds() <= limit else "stale"


def _show(
    run: Session,
    components: list[dict[str, str]],
    positions: list[dict[str, Any]],
    trouble: str | None,
    healthy: bool,
) -> None:
    out.print_table(
        ("component", "kind", "state", "detail"),
        [(c["name"], c["kind"], c["state"], c["detail"]) for c in components],
    )
    click.echo()
    columns = ("position", "topic", "state", "last window end (UTC)", "age s", "lag")
    keys = ("symbol", "topic", "state", "last_window_end", "age_seconds", "lag")
    out.print_table(columns, [["-" if p[key] is None else str(p[key]) for key in keys] for p in positions])
    click.echo()
    if trouble:
        click.secho(f"positions: {trouble}", fg="red", err=True)
    verdict = f"Cluster {run.cluster_name}: {'healthy' if healthy else 'unhealthy'}"
    click.secho(verdict, fg="green" if healthy else "red", bold=True)
