"""`pipectl status --all`: the health of all clusters in one view."""

import click

from cli import options
from cli import output as out
from cli.errors import Unhealthy
from cli.panes import Pane, names_of_clusters, survey


def show_all(output: str, area: str | None) -> None:
    """Print the health of all clusters, and what is unhealthy in each.

    Clusters that do not run, are not set up here or have no such area are listed, but do not count.
    """
    panes = survey(names_of_clusters(), area=area, dcos=options.dcos_arguments())
    counted = [pane for pane in panes if pane.counts]
    healthy = bool(counted) and all(pane.state == "healthy" for pane in counted)
    if output == "json":
        clusters = {
            pane.name: {"state": pane.state, "problem": pane.problem or None, "status": pane.status or None}
            for pane in panes
        }
        out.print_json({"healthy": healthy, "clusters": clusters})
    else:
        _show(panes)
        verdict = f"{len(counted)} clusters: {'healthy' if healthy else 'unhealthy'}"
        if not counted:
            verdict = "no cluster runs or is set up on this machine"
        click.secho(verdict, fg="green" if healthy else "red", bold=True)
    if not healthy:
        raise click.exceptions.Exit(Unhealthy.exit_code)


def _show(panes: list[Pane]) -> None:
    out.print_table(
        ("cluster", "health", "components", "positions", "freshest s", "links"),
        [
            (
                pane.name,
                pane.state,
                pane.healthy("components"),
                pane.healthy("positions"),
                "-" if pane.freshest_age is None else str(pane.freshest_age),
                ", ".join(pane.links) or "-",
            )
            for pane in panes
        ],
    )
    click.echo()
    for pane in panes:
        for line in _troubles(pane):
            click.echo(f"{pane.name}: {line}")


def _troubles(pane: Pane) -> list[str]:
    found = [pane.problem] if pane.problem and pane.counts else []
    for one in pane.status.get("components", []):
        if one["state"] != "healthy":
            found.append(f"{one['name']} is {one['state']}: {one['detail'].splitlines()[0]}")
    positions = [one["symbol"] for one in pane.status.get("positions", []) if one["state"] != "fresh"]
    if positions:
        found.append(f"no fresh records of {', '.join(positions)}")
    if flows := [one["name"] for one in pane.status.get("flows", []) if not one["healthy"]]:
        found.append(f"no fresh results of {', '.join(flows)}")
    return found
