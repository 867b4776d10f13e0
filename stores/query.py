"""`python -m stores.query ADDRESS`: runs the query on stdin, and prints a Result as JSON.

A program of its own, so that `pipectl query` loads no driver of a database.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from kafka_topic.contracts import format_time
from stores.errors import QueryError, StoreError
from stores.opening import open_store
from stores.queries import Queryable


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return format_time(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


@click.command()
@click.argument("address")
@click.option("--limit", type=click.IntRange(1), default=1000)
@click.option("--seconds", type=float, default=30.0)
def main(address: str, limit: int, seconds: float) -> None:
    """Run the query on stdin on the store at ADDRESS."""
    try:
        store = open_store(address)
        if not isinstance(store, Queryable):
            raise QueryError(f"the store {address} answers no queries")
        result = store.query(sys.stdin.read(), limit=limit, seconds=seconds)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    rows = [[_plain(value) for value in row] for row in result.rows]
    click.echo(json.dumps({**asdict(result), "rows": rows}, ensure_ascii=False))


if __name__ == "__main__":
    main()
