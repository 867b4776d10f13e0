"""`pipectl query`: reads from a store with its own query language."""

import csv
import json
import os
import subprocess
import sys
from typing import Any

import click

from cli import output as out
from cli.errors import PipectlError, UsageProblem, WaitTimeout
from cli.parts import with_remembered
from cli.session import Session
from cli.session_options import session_options
from cli.store_logins import STORES_WITH_PASSWORD, login_of, password_variable
from marathon.durations import parse_duration

STORES = ("hdfs", "cassandra", "mysql")
# Connecting takes a while, too.
_GRACE_SECONDS = 20.0


@click.command("query")
@session_options(
    reads_only=True,
    output=click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="The output format.",
    ),
)
@click.argument("statement")
@click.option("--on", "store", type=click.Choice(STORES), required=True, help="The store to read from.")
@click.option(
    "--limit", type=click.IntRange(1, 10**6), default=1000, show_default=True, help="Maximum number of rows."
)
@click.option("--timeout", default="30s", show_default=True, help="Stop the query after this time.")
def command(run: Session, output: str, statement: str, store: str, limit: int, timeout: str) -> None:
    """Run a read-only query on a store, and print its rows. STATEMENT is SQL, or CQL for Cassandra.

    Each flow is a table, such as movingaverage. Times are UTC. This machine must reach the store.

    \b
    Example:
      pipectl query "SELECT symbol, MAX(cv) FROM movingaverage GROUP BY symbol" --on mysql
      pipectl query "SELECT * FROM signals" --on hdfs -o csv --limit 100000
    """
    try:
        seconds = parse_duration(timeout).total_seconds()
    except ValueError as error:
        raise UsageProblem(f"--timeout: {error}") from None
    if not seconds:
        # To a server, 0 is no limit.
        raise UsageProblem("--timeout: must be more than 0s")
    run = with_remembered(run, run.engine)
    if store not in {*run.settings.parts, *run.with_parts}:
        raise UsageProblem(
            f"the part {store} is disabled", hint=f"`pipectl deploy --with {store}` enables it"
        )
    result = _ask(run, store, statement, limit, seconds)
    _print(result, output)
    if result["more"]:
        click.secho(f"only the first {limit} rows; --limit asks for more", fg="yellow", err=True)


def _ask(run: Session, store: str, statement: str, limit: int, seconds: float) -> dict[str, Any]:
    address: str = getattr(run.settings.names, store)
    command = [
        sys.executable,
        "-m",
        "stores.query",
        address,
        "--limit",
        str(limit),
        "--seconds",
        str(seconds),
    ]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_login(run, store)},
            input=statement,
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WaitTimeout(f"the store {store} did not answer within {seconds + _GRACE_SECONDS:g} s") from None
    if done.returncode != 0:
        raise PipectlError(
            done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the query failed"
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _login(run: Session, store: str) -> dict[str, str]:
    """The login at the store for the environment of the program."""
    login = login_of(run, store)
    if (
        store in STORES_WITH_PASSWORD
        and getattr(run.settings, store).password is not None
        and (login is None or login.password is None)
    ):
        raise UsageProblem(
            f"the store {store} asks for a password",
            hint=f"put it into the environment variable {password_variable(store)}",
        )
    return {} if login is None else login.environ(store)


def _print(result: dict[str, Any], output: str) -> None:
    columns, rows = result["columns"], result["rows"]
    if output == "json":
        if repeated := [name for name in dict.fromkeys(columns) if columns.count(name) > 1]:
            raise PipectlError(
                f"several columns are named {', '.join(repeated)}, and a JSON object holds only one of each",
                hint="name them differently with AS, or use -o csv",
            )
        out.print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    else:
        out.print_table(
            columns, [["-" if value is None else out.one_line(str(value)) for value in row] for row in rows]
        )
