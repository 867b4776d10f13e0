"""`pipectl status`: the health of every component, and the data flow of every position."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cli import graph, local
from cli import output as out
from cli.backend import DEAD_LETTER_SECONDS, connect
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Engine
from cli.errors import EngineError, PipectlError, Unhealthy
from cli.flow_states import FLOW_COLUMNS, OFF, flow_rows, flows_of, unknown_flows
from cli.health_reason import health_reason
from cli.last_failure import LastFailure, last_failure
from cli.live_config import LiveConfig, live_config
from cli.parts import as_deployed
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.contracts import format_time
from kafka_topic.freshness import flow_state
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from cli.steps.base import Step
    from kafka_topic.dead_letters import DeadLetterCounts

# Commands and requests that wait for an answer at the same time.
AT_ONCE = 12
SHOWN_SYMBOLS = 5
SHOWN_FLOWS = 2
_WHERE_TO_LOOK = (
    "if the lag grows, `pipectl logs flink-taskmanager` says what the job cannot reach; if not, no usable "
    "ticks come: see {}the dead letters"
)
_GENERATOR = "data-generator"


@dataclass(frozen=True)
class Flow:
    """The data flow. via: the source of the data, brokers or page; None if neither answers, for the reason in
    `trouble`.
    """

    positions: list[dict[str, Any]]
    letters: DeadLetterCounts | None = None
    via: str | None = None
    trouble: str | None = None


@click.command("status")
@session_options(reads_only=True)
@click.option("--all", "every", is_flag=True, help="Show the health of all known clusters.")
def command(run: Session, output: str, every: bool) -> None:
    """Show the health of every component and position. Exit code 0 means healthy, 4 unhealthy.

    A position is `fresh` while its last record of the shortest window is recent, `stale` after that, and
    `silent` before its first record. One that only has historical prices is `stale`: its windows are of then.
    It is `unreadable` while the gatherer cannot read one of its partitions; the cause and the next step are
    shown below the table. `lag` is the number of ticks that the gatherer has not read yet. Dead letters are
    records that could not be used; they do not affect health.

    A flow whose source runs as an app must be `live`. Others may be `empty`, or `past`, as of their last run;
    `broken` is always unhealthy. Age is that of the newest result. The page must answer.

    The last failure of the job may be long ago; `pipectl logs gatherer` shows all failures.

    \b
    Example:
      pipectl status
      pipectl status --cluster prod -o json
      pipectl status --all
    """
    if every:
        from cli.commands.status_of_all import show_all

        show_all(output, run.area)
        return
    _ = run.bundle
    if run.is_local and not local.running():
        if output == "json":
            _print_nothing_runs(run)
        local.address()  # raises the error if there is no cluster at all
        raise local.not_running()
    run.engine.check()  # report an unreachable cluster once, not per component
    run = as_deployed(run, run.engine)
    config = live_config(run)
    with graph.workers(AT_ONCE, run.stop) as pool:
        flow_read = graph.in_background(lambda: _flow(run, config))
        failure_read = pool.submit(last_failure, run.engine, run.bundle.apps["gatherer"].id)
        components = _components(run, run.engine, config, each=pool.map)
        states = {c["name"]: c["state"] for c in components}
        flows = flows_of(run, states) if "dashboard" in states else []
        flow, failure = flow_read.result(), failure_read.result()
    healthy = (
        all(state == "healthy" for state in states.values())
        and all(p["state"] == "fresh" for p in flow.positions)
        and all(each["healthy"] for each in flows)
    )
    if output == "json":
        _print_json(run, components, flow, flows, failure, healthy=healthy)
    else:
        _show(run, components, flow, flows, failure, healthy)
    if not healthy:
        raise click.exceptions.Exit(Unhealthy.exit_code)


def _print_nothing_runs(run: Session) -> None:
    topics = Topics(run.settings.topics.prefix)
    positions = [_unknown(symbol, topics) for symbol in run.settings.positions]
    components = _components(run, MemoryEngine())
    reason = "the local cluster is not running"
    flows = unknown_flows(run, {}, reason) if any(c["name"] == "dashboard" for c in components) else []
    _print_json(run, components, Flow(positions, trouble=reason), flows, healthy=False)


def _print_json(
    run: Session,
    components: list[dict[str, str]],
    flow: Flow,
    flows: list[dict[str, Any]],
    failure: LastFailure | None = None,
    *,
    healthy: bool,
) -> None:
    letters = flow.letters
    document = {
        "cluster": run.cluster_name,
        **({} if run.area is None else {"area": run.area}),
        "healthy": healthy,
        "via": flow.via,
        "components": components,
        "positions": flow.positions,
        "flows": flows,
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


def _components(
    run: Session,
    engine: Engine,
    config: LiveConfig | None = None,
    each: Callable[..., Iterable[dict[str, str]]] = map,
) -> list[dict[str, str]]:
    """The state of each component. each: calls a function for each of them, such as side by side."""
    from cli.steps.bundle import steps_of

    def component(name: str, step: Step) -> dict[str, str]:
        try:
            state = step.state()
        except EngineError as error:
            return {"name": name, "kind": step.kind, "state": "unknown", "detail": error.message}
        detail = state.detail
        if step.kind == "app" and state.state in ("unhealthy", "deploying"):
            reason = health_reason(engine, run.bundle.apps[name].id)
            detail = f"{detail}: {reason}" if reason else detail
        return {"name": name, "kind": step.kind, "state": state.state, "detail": detail}

    steps = steps_of(run, engine=engine, running=config)
    return list(each(component, steps.keys(), steps.values()))


def _flow(run: Session, config: LiveConfig) -> Flow:
    """The states of the positions and the dead letters, or why they cannot be read."""
    from kafka_topic.errors import KafkaTopicError

    try:
        backend = connect(run, config)
        read, letters = backend.flow()
    except (KafkaTopicError, PipectlError) as error:
        topics = Topics(config.prefix)
        return Flow([_unknown(symbol, topics) for symbol in config.positions], trouble=str(error))
    now = datetime.now(UTC)
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
                "state": flow_state(
                    status.last_window_end, status.problem, now=now, max_age=config.freshness
                ),
                "problem": status.problem and status.problem.fields(),
            }
            for status in read
        ],
        letters,
        backend.via,
    )


def _show_problems(positions: list[dict[str, Any]], complete: Callable[[str], str]) -> None:
    """Show the problems of positions and the next steps; positions with the same problem share one entry."""
    sharing: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for position in positions:
        if problem := position["problem"]:
            sharing.setdefault((problem["text"], problem["next"]), []).append(position)
    for (text, following), several in sharing.items():
        click.secho(
            f"{_symbols(several)}: {text}", fg="red" if several[0]["state"] == "unreadable" else "yellow"
        )
        click.echo(f"next:  {complete(following)}")
    if sharing:
        click.echo()


def _show_unexplained(
    positions: list[dict[str, Any]], components: list[dict[str, str]], complete: Callable[[str], str]
) -> None:
    """Say where to look when windows stay away and nothing above says why."""
    stuck = [
        each
        for each in positions
        if each["state"] == "stale" and not each["problem"] and (each["age_seconds"] or 0) >= 0
    ]
    if stuck and all(each["state"] == "healthy" for each in components):
        generates = any(each["name"] == _GENERATOR for each in components)
        where = _WHERE_TO_LOOK.format(f"`pipectl logs {_GENERATOR}` and " if generates else "")
        click.secho(f"{_symbols(stuck)}: no new windows, though every component is healthy", fg="red")
        click.echo(f"next:  {complete(where)}")
        click.echo()


def _symbols(positions: list[dict[str, Any]]) -> str:
    more = f" and {len(positions) - SHOWN_SYMBOLS} more" if len(positions) > SHOWN_SYMBOLS else ""
    return ", ".join(position["symbol"] for position in positions[:SHOWN_SYMBOLS]) + more


def _show_flows(flows: list[dict[str, Any]]) -> None:
    shown = [flow for flow in flows if flow["state"] != OFF]
    if shown:
        out.print_table(FLOW_COLUMNS, flow_rows(shown))
    reasons: dict[str, list[str]] = {}
    for flow in flows:
        if not flow["healthy"] or flow["state"] == OFF:
            reasons.setdefault(flow["text"] or "its source runs, but no data comes", []).append(flow["name"])
    unhealthy = {flow["name"] for flow in flows if not flow["healthy"]}
    for text, names in reasons.items():
        named = ", ".join(names) if len(names) <= SHOWN_FLOWS else f"{len(names)} flows"
        click.secho(f"{named}: {text}", fg="red" if unhealthy & {*names} else None)
    if flows:
        click.echo()


def _counts(letters: DeadLetterCounts) -> str:
    counts = ", ".join(f"{number} {reason}" for reason, number in letters.by_reason.items()) or "none"
    more = "" if letters.complete else f", and more that could not be counted in {DEAD_LETTER_SECONDS:g} s"
    return counts + more


def _show(
    run: Session,
    components: list[dict[str, str]],
    flow: Flow,
    flows: list[dict[str, Any]],
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
    _show_problems(flow.positions, run.complete)
    _show_unexplained(flow.positions, components, run.complete)
    _show_flows(flows)
    if flow.letters is not None:
        click.echo(f"Dead letters: {_counts(flow.letters)}")
    if failure is not None:
        click.echo(f"Last failure of the job: {failure.time} UTC, {out.one_line(failure.reason)}")
    if flow.trouble:
        click.secho(f"positions: {flow.trouble}", fg="red", err=True)
    verdict = f"Cluster {run.label}: {'healthy' if healthy else 'unhealthy'}"
    click.secho(verdict, fg="green" if healthy else "red", bold=True)
