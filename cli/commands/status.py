"""`pipectl status`: is every component healthy, and does data flow on every position?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import local, options
from cli import output as out
from cli.backend import DEAD_LETTER_SECONDS, connect
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Engine
from cli.errors import EngineError, PipectlError, Unhealthy
from cli.last_failure import LastFailure, last_failure
from cli.live_config import LiveConfig, live_config
from cli.parts import as_deployed
from cli.session import Session, session
from kafka_topic.contracts import format_time
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from kafka_topic.dead_letters import DeadLetterCounts
    from kafka_topic.status import PositionStatus

SHOWN_SYMBOLS = 5


@dataclass(frozen=True)
class Flow:
    """What flows. via: the backend by which that is known, brokers or page; None, with the trouble, when it
    is not.
    """

    positions: list[dict[str, Any]]
    letters: DeadLetterCounts | None = None
    via: str | None = None
    trouble: str | None = None


@click.command("status")
@options.common_options
def command(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Show how every component and every position is. Exit code 0 when all is healthy, 4 when not.

    A position is `fresh` while its last record of the shortest window is recent, `stale` when it stopped, and
    `silent` when there never was one. It is `unreadable` while the gatherer can't read one of its partitions;
    what is wrong and what to do is told below. `lag` counts the ticks that the gatherer has not read yet.
    Dead letters are records that could not be used; they make nothing unhealthy.

    The last failure of the job may be long over; `pipectl logs gatherer` shows all.

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
    run.engine.check()  # once, and not for every component, when it can't be reached
    run = as_deployed(run, run.engine)
    bundle = live_config(run)
    components = _components(run, run.engine, bundle)
    flow = _flow(run, bundle)
    failure = last_failure(run.engine, run.bundle.apps["gatherer"].id)
    healthy = all(c["state"] == "healthy" for c in components) and all(
        p["state"] == "fresh" for p in flow.positions
    )
    if output == "json":
        _print_json(run, components, flow, failure, healthy=healthy)
    else:
        _show(run, components, flow, failure, healthy)
    if not healthy:
        raise click.exceptions.Exit(Unhealthy.exit_code)


def _print_nothing_runs(run: Session) -> None:
    topics = Topics(run.settings.topics.prefix)
    positions = [_unknown(symbol, topics) for symbol in run.settings.positions]
    components = _components(run, MemoryEngine())
    _print_json(run, components, Flow(positions, trouble="the local cluster is not running"), healthy=False)


def _print_json(
    run: Session,
    components: list[dict[str, str]],
    flow: Flow,
    failure: LastFailure | None = None,
    *,
    healthy: bool,
) -> None:
    letters = flow.letters
    document = {
        "cluster": run.cluster_name,
        "healthy": healthy,
        "via": flow.via,
        "components": components,
        "positions": flow.positions,
        "dead_letters": letters
        and {"total": letters.total, "complete": letters.complete, "by_reason": letters.by_reason},
        "last_failure": failure and asdict(failure),
    }
    out.print_json({**document, "problem": flow.trouble} if flow.trouble else document)


def _unknown(symbol: str, topics: Topics) -> dict[str, Any]:
    nothing = {"last_window_end": None, "age_seconds": None, "lag": None}
    return {
        "symbol": symbol,
        "topic": topics.position(symbol),
        **nothing,
        "state": "unknown",
        "problem": None,
    }


def _components(run: Session, engine: Engine, bundle: LiveConfig | None = None) -> list[dict[str, str]]:
    from cli.steps.bundle import steps_of

    found = []
    for name, step in steps_of(run, engine=engine, running=bundle).items():
        try:
            state = step.state()
        except EngineError as error:
            found.append({"name": name, "kind": step.kind, "state": "unknown", "detail": error.message})
        else:
            found.append({"name": name, "kind": step.kind, "state": state.state, "detail": state.detail})
    return found


def _flow(run: Session, bundle: LiveConfig) -> Flow:
    """The positions as they are and the dead letters, or why they can't be read."""
    from kafka_topic.errors import KafkaTopicError

    try:
        backend = connect(run, bundle)
        read, letters = backend.flow()
    except (KafkaTopicError, PipectlError) as error:
        topics = Topics(bundle.prefix)
        return Flow([_unknown(symbol, topics) for symbol in bundle.positions], trouble=str(error))
    now, limit = datetime.now(UTC), bundle.freshness.total_seconds()
    return Flow(
        [
            {
                "symbol": status.symbol,
                "topic": status.topic,
                "last_window_end": format_time(status.last_window_end) if status.last_window_end else None,
                "age_seconds": round((now - status.last_window_end).total_seconds(), 1)
                if status.last_window_end
                else None,
                "lag": status.lag,
                "state": _state(status, now, limit),
                "problem": status.problem and status.problem.fields(),
            }
            for status in read
        ],
        letters,
        backend.via,
    )


def _state(status: PositionStatus, now: datetime, limit: float) -> str:
    if status.problem is not None and status.problem.stops:
        return "unreadable"
    if status.last_window_end is None:
        return "silent"
    return "fresh" if (now - status.last_window_end).total_seconds() <= limit else "stale"


def _show_problems(positions: list[dict[str, Any]]) -> None:
    """What is wrong with positions and the next step; once for all that share a topic."""
    sharing: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for position in positions:
        if problem := position["problem"]:
            sharing.setdefault((problem["text"], problem["next"]), []).append(position)
    for (text, following), several in sharing.items():
        more = f" and {len(several) - SHOWN_SYMBOLS} more" if len(several) > SHOWN_SYMBOLS else ""
        symbols = ", ".join(position["symbol"] for position in several[:SHOWN_SYMBOLS]) + more
        click.secho(f"{symbols}: {text}", fg="red" if several[0]["state"] == "unreadable" else "yellow")
        click.echo(f"next:  {following}")
    if sharing:
        click.echo()


def _told(letters: DeadLetterCounts) -> str:
    counts = ", ".join(f"{number} {reason}" for reason, number in letters.by_reason.items()) or "none"
    more = "" if letters.complete else f", and more than could be counted in {DEAD_LETTER_SECONDS:g} s"
    return counts + more


def _show(
    run: Session,
    components: list[dict[str, str]],
    flow: Flow,
    failure: LastFailure | None,
    healthy: bool,
) -> None:
    out.print_table(
        ("component", "kind", "state", "detail"),
        [(c["name"], c["kind"], c["state"], c["detail"]) for c in components],
    )
    click.echo()
    columns = ("position", "topic", "state", "last window end (UTC)", "age s", "lag")
    keys = ("symbol", "topic", "state", "last_window_end", "age_seconds", "lag")
    out.print_table(
        columns, [["-" if p[key] is None else str(p[key]) for key in keys] for p in flow.positions]
    )
    click.echo()
    _show_problems(flow.positions)
    if flow.letters is not None:
        click.echo(f"Dead letters: {_told(flow.letters)}")
    if failure is not None:
        click.echo(f"Last failure of the job: {failure.time} UTC, {out.one_line(failure.reason)}")
    if flow.trouble:
        click.secho(f"positions: {flow.trouble}", fg="red", err=True)
    verdict = f"Cluster {run.cluster_name}: {'healthy' if healthy else 'unhealthy'}"
    click.secho(verdict, fg="green" if healthy else "red", bold=True)
