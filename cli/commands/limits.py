"""`pipectl limits`: the limits and thresholds of positions, changed while the job runs."""

import json
from datetime import timedelta

import click

from cli import output as out
from cli.backend import connect, kafka_errors
from cli.errors import UsageProblem
from cli.live_config import live_config
from cli.selection import check_positions
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.contracts import Limits, format_time
from kafka_topic.errors import ContractError

COLUMNS = (
    "symbol",
    "buy",
    "sell",
    "probability",
    "horizon s",
    "regime high %",
    "regime low %",
    "sigmas",
    "set at (UTC)",
)
_NUMBERS = ("buy", "sell", "probability", "horizon_seconds", "regime_high", "regime_low", "anomaly_sigmas")


@click.group("limits")
def command() -> None:
    """Set, list and clear the limits of positions while the job runs.

    The topic `limits` stores them, so they survive a restart.

    \b
    Example:
      pipectl limits set AAPL --buy 95 --sell 110
      pipectl limits list
      pipectl limits clear AAPL
    """


def _duration(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    from marathon.durations import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@command.command("set")
@session_options(reads_only=False)
@click.argument("symbols", metavar="SYMBOL...", nargs=-1, required=True)
@click.option("--buy", type=float, metavar="PRICE", help="Lower limit: buy at or below this price.")
@click.option("--sell", type=float, metavar="PRICE", help="Upper limit: sell at or above this price.")
@click.option(
    "--probability", type=float, metavar="P", help="Probability at which reaching a limit counts as likely."
)
@click.option("--horizon", callback=_duration, metavar="DURATION", help="Forecast horizon, such as 5m.")
@click.option("--regime-high", type=float, metavar="CV", help="Volatility is high at or above this cv, in %.")
@click.option("--regime-low", type=float, metavar="CV", help="Volatility is low at or below this cv, in %.")
@click.option(
    "--anomaly-sigmas", type=float, metavar="N", help="A tick this many MADs from the median is an anomaly."
)
def set_(
    run: Session, output: str, symbols: tuple[str, ...], horizon: timedelta | None, **numbers: float | None
) -> None:
    """Set limits of positions, or thresholds that override the bundle's. Other values stay unchanged.

    \b
    Example:
      pipectl limits set AAPL --buy 95 --sell 110
      pipectl limits set AAPL MSFT --probability 0.7 --horizon 10m
    """
    given = {**numbers, "horizon_seconds": horizon.total_seconds() if horizon is not None else None}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageProblem("nothing to set", hint="name a limit, as in --buy 95 or --sell 110")
    config = live_config(run)
    check_positions(symbols, config.positions)
    with kafka_errors():
        try:
            found = connect(run, config).set_limits([*dict.fromkeys(symbols)], changes)
        except ContractError as error:
            raise UsageProblem(str(error), hint="`pipectl limits list` shows the current limits") from None
    _show(found, output)


@command.command("list")
@session_options(reads_only=True)
def list_(run: Session, output: str) -> None:
    """List the limits that are set. `-` means the bundle's own setting, or no limit.

    \b
    Example:
      pipectl limits list -o json
    """
    config = live_config(run)
    with kafka_errors():
        _show(connect(run, config).limits(), output)


@command.command("clear")
@session_options(reads_only=False)
@click.argument("symbols", metavar="[SYMBOL...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Clear the limits of every position.")
def clear(run: Session, output: str, symbols: tuple[str, ...], everything: bool) -> None:
    """Clear all limits and thresholds of positions.

    \b
    Example:
      pipectl limits clear AAPL
      pipectl limits clear --all
    """
    if bool(symbols) == everything:
        raise UsageProblem("no positions given", hint="name positions, or use --all")
    config = live_config(run)
    with kafka_errors():
        backend = connect(run, config)
        if not set(symbols) <= set(config.positions):
            # A position that was removed from the bundle may still have limits.
            check_positions(symbols, [*dict.fromkeys([*config.positions, *backend.limited()])])
        cleared = backend.clear_limits(None if everything else [*dict.fromkeys(symbols)])
    if output == "json":
        out.print_json({"cleared": cleared})
    else:
        click.echo(f"Cleared {', '.join(cleared)}." if cleared else "No limits were set.")


def _show(limits: list[Limits], output: str) -> None:
    if output == "json":
        out.print_json([json.loads(each.to_json()) for each in limits])
    elif limits:
        out.print_table(COLUMNS, map(_row, limits))
    else:
        click.echo("No limits are set; `pipectl limits set SYMBOL --buy PRICE` sets one.")


def _row(limits: Limits) -> list[str]:
    numbers = (getattr(limits, name) for name in _NUMBERS)
    cells = ("-" if number is None else f"{number:.12g}" for number in numbers)
    return [limits.symbol, *cells, format_time(limits.set_at)]
