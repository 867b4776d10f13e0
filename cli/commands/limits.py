"""`pipectl limits`: what positions are watched for, changed while the job runs."""

import json
from datetime import timedelta
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.backend import connect, kafka_errors
from cli.errors import UsageProblem
from cli.live_config import live_config
from cli.selection import check_positions
from cli.session import session
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
    """Set, list and clear the limits that positions are watched for, while the job runs.

    They are kept in the topic `limits`, so that a restart keeps them too.

    \b
    Example:
      pipectl limits set AAPL --buy 95 --sell 110
      pipectl limits list
      pipectl limits clear AAPL
    """


def _length(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    from marathon.durations import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@command.command("set")
@options.common_options
@click.argument("symbols", metavar="SYMBOL...", nargs=-1, required=True)
@click.option("--buy", type=float, metavar="PRICE", help="Low limit: worth buying once the price is there.")
@click.option("--sell", type=float, metavar="PRICE", help="High limit: worth selling once it is there.")
@click.option("--probability", type=float, metavar="P", help="From which on reaching a limit is likely.")
@click.option("--horizon", callback=_length, metavar="LENGTH", help="How far ahead is forecast, such as 5m.")
@click.option("--regime-high", type=float, metavar="CV", help="Volatility is high from this cv on, in %.")
@click.option("--regime-low", type=float, metavar="CV", help="And low again from this one down.")
@click.option("--anomaly-sigmas", type=float, metavar="N", help="How many MADs away make an anomaly.")
def set_(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    symbols: tuple[str, ...],
    horizon: timedelta | None,
    **numbers: float | None,
) -> None:
    """Set limits of positions, or thresholds other than the bundle's. What is not named stays as it was.

    \b
    Example:
      pipectl limits set AAPL --buy 95 --sell 110
      pipectl limits set AAPL MSFT --probability 0.7 --horizon 10m
    """
    given = {**numbers, "horizon_seconds": horizon.total_seconds() if horizon is not None else None}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageProblem("nothing to set", hint="name a limit, as in --buy 95 or --sell 110")
    run = session(cluster, files, overrides, verbose, reads_only=False)
    bundle = live_config(run)
    check_positions(symbols, bundle.positions)
    with kafka_errors():
        try:
            found = connect(run, bundle).set_limits([*dict.fromkeys(symbols)], changes)
        except ContractError as error:
            raise UsageProblem(str(error), hint="`pipectl limits list` shows what is set already") from None
    _show(found, output)


@command.command("list")
@options.common_options
def list_(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Show what is set; `-` is the bundle's own setting, or no limit.

    \b
    Example:
      pipectl limits list -o json
    """
    run = session(cluster, files, overrides, verbose, reads_only=True)
    bundle = live_config(run)
    with kafka_errors():
        _show(connect(run, bundle).limits(), output)


@command.command("clear")
@options.common_options
@click.argument("symbols", metavar="[SYMBOL...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Of every position.")
def clear(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    symbols: tuple[str, ...],
    everything: bool,
) -> None:
    """Take back all that is set of positions.

    \b
    Example:
      pipectl limits clear AAPL
      pipectl limits clear --all
    """
    if bool(symbols) == everything:
        raise UsageProblem("whose limits?", hint="name positions, or all of them with --all")
    run = session(cluster, files, overrides, verbose, reads_only=False)
    bundle = live_config(run)
    with kafka_errors():
        backend = connect(run, bundle)
        if not set(symbols) <= set(bundle.positions):
            # A position that the bundle no longer has may still have limits.
            check_positions(symbols, [*dict.fromkeys([*bundle.positions, *backend.limited()])])
        cleared = backend.clear_limits(None if everything else [*dict.fromkeys(symbols)])
    if output == "json":
        out.print_json({"cleared": cleared})
    else:
        click.echo(f"Cleared {', '.join(cleared)}." if cleared else "Nothing was set.")


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
