"""`pipectl clusters`: all known clusters at a glance."""

import click

from cli import options
from cli import output as out
from cli.panes import Pane, names_of_clusters, survey


@click.command("clusters")
@options.area_option
@options.output_option
@options.dcos_option
def command(area: str | None, output: str) -> None:
    """Show all known clusters: version, health of the bundle, freshest record and links.

    The known clusters are those with a file in marathon/clusters, the local clusters on this machine, and
    those that `dcos cluster list` shows. `links` names the clusters that a cluster is linked to; `pipectl
    cluster link` links two. `pipectl status --all` shows what is unhealthy. With --area, the health and the
    records are those of the bundle in that area of each cluster.

    \b
    Example:
      pipectl clusters
      pipectl clusters -o json
      pipectl clusters --area prod
    """
    panes = survey(names_of_clusters(), area=area, dcos=options.dcos_arguments())
    if output == "json":
        out.print_json({"clusters": [_document(pane) for pane in panes]})
        return
    out.print_table(
        ("cluster", "health", "version", "freshest s", "links", "address"), [_row(pane) for pane in panes]
    )


def _row(pane: Pane) -> tuple[str, ...]:
    age = pane.freshest_age
    return (
        pane.name,
        pane.state,
        pane.about.get("dcos_version") or "-",
        "-" if age is None else str(age),
        ", ".join(pane.links) or "-",
        pane.about.get("url") or "-",
    )


def _document(pane: Pane) -> dict[str, object]:
    return {
        "name": pane.name,
        "state": pane.state,
        "problem": pane.problem or None,
        "cluster_id": pane.about.get("cluster_id"),
        "url": pane.about.get("url"),
        "dcos_version": pane.about.get("dcos_version"),
        "freshest_age_seconds": pane.freshest_age,
        "links": pane.links,
    }
