"""`pipectl status`: is every component healthy, and does data flow on every position?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import local, options
from cli import output as out
from cli.cluster import Cluster, NoClusterYet
from cli.deployed import Deployed, deployed
from cli.errors import DcosError, Unhealthy
from cli.session import Session, session
from kafka_topic.contracts import format_time
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from kafka_topic.dead_letters import DeadLetterCounts

KAFKA_SECONDS = 10.0
DEAD_LETTER_SECONDS = 5.0


@click.command("status")
@options.common_options
def command(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Show how every component and every position is. Exit code 0 when all is healthy, 4 when not.

    A position is `fresh` while its last record of the shortest window is recent, `stale` when it stopped, and
    `silent` when there never was one. `lag` counts the ticks that the gatherer has not read yet. Dead letters
    are records that could not be used; they make nothing unhealthy.

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
    positions, letters, trouble = _flow(run, deployed(run))
    healthy = all(c["state"] == "healthy" for c in components) and all(
        p["state"] == "fresh" for p in positions
    )
    if output == "json":
        _print_json(run, components, positions, letters, trouble, healthy=healthy)
    else:
        _show(run, components, positions, letters, trouble, healthy)
    if not healthy:
        raise click.exceptions.Exit(Unhealthy.exit_code)


def _print_nothing_runs(run: Session) -> None:
    topics = Topics(run.settings.topics.prefix)
    positions = [_unknown(symbol, topics) for symbol in run.settings.positions]
    components = _components(run, NoClusterYet())
    _print_json(run, components, positions, None, "the local cluster is not running", healthy=False)


def _print_json(
    run: Session,
    components: list[dict[str, str]],
    positions: list[dict[str, Any]],
    letters: DeadLetterCounts | None,
    trouble: str | None,
    *,
    healthy: bool,
) -> None:
    document = {
        "cluster": run.cluster_name,
        "healthy": healthy,
        "components": components,
        "positions": positions,
        "dead_letters": letters
        and {"total": letters.total, "complete": letters.complete, "by_reason": letters.by_reason},
    }
    out.print_json({**document, "problem": trouble} if trouble else document)


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


def _flow(run: Session, bundle: Deployed) -> tuple[list[dict[str, Any]], DeadLetterCounts | None, str | None]:
    """The positions as they are, the dead letters, and why they can't be read, if so."""
    from kafka_topic.dead_letters import count_dead_letters
    from kafka_topic.errors import KafkaTopicError
    from kafka_topic.status import position_status

    try:
        read = position_status(
            bundle.bootstrap_servers,
            bundle.positions,
            prefix=bundle.prefix,
            group=bundle.group,
            window=bundle.window,
            timeout=KAFKA_SECONDS,
        )
        letters = count_dead_letters(
            bundle.bootstrap_servers, prefix=bundle.prefix, timeout=DEAD_LETTER_SECONDS
        )
    except (KafkaTopicError, TimeoutError) as error:
        topics = Topics(bundle.prefix)
        return [_unknown(symbol, topics) for symbol in bundle.positions], None, str(error)
    now, limit = datetime.now(UTC), run.settings.freshness.total_seconds()
    return (
        [
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
        ],
        letters,
        None,
    )


def _state(now: datetime, last: datetime | None, limit: float) -> str:
    if last is None:
        return "silent"
    return "fresh" if (now - last).total_seconds() <= limit else "stale"


def _told(letters: DeadLetterCounts) -> str:
    counts = ", ".join(f"{number} {reason}" for reason, number in letters.by_reason.items()) or "none"
    more = "" if letters.complete else f", and more than could be counted in {DEAD_LETTER_SECONDS:g} s"
    return counts + more


def _show(
    run: Session,
    components: list[dict[str, str]],
    positions: list[dict[str, Any]],
    letters: DeadLetterCounts | None,
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
    if letters is not None:
        click.echo(f"Dead letters: {_told(letters)}")
    if trouble:
        click.secho(f"positions: {trouble}", fg="red", err=True)
    verdict = f"Cluster {run.cluster_name}: {'healthy' if healthy else 'unhealthy'}"
    click.secho(verdict, fg="green" if healthy else "red", bold=True)
