"""`python -m stores ADDRESS`: lists the flows in a store."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from stores.errors import StoreError
from stores.opening import open_store


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  python -m stores disk:/var/lib/pipectl/store""",
)
@click.argument("address")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def main(address: str, output: str) -> None:
    """List the flows in the store at ADDRESS."""
    try:
        found = [asdict(each) for each in open_store(address).describe()]
    except StoreError as error:
        click.echo(f"stores: {error}", err=True)
        sys.exit(1)
    if output == "json":
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{'FLOW':<24}{'ROWS':>14}  {'FIRST':<12}{'LAST':<12}{'FILES':>6}{'MB':>10}")
    for each in found:
        click.echo(
            f"{each['flow']:<24}{each['rows']:>14,}  {each['first']:<12}{each['last']:<12}"
            f"{'-' if each['files'] is None else each['files']:>6}{each['size'] / 1e6:>10.1f}"
        )


if __name__ == "__main__":
    main()
