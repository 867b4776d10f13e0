"""`pipectl cluster`: the cluster itself, and its links to others."""

import click

from cli import local, options
from cli import output as out
from cli.errors import PipectlError, UsageProblem
from cli.home import enter
from cli.page_clusters import show_linked
from cli.session import Session
from cli.session_options import session_options
from marathon.home import LOCAL, is_local


@click.group("cluster")
def command() -> None:
    """Manage the cluster itself, and link it to others.

    \b
    Example:
      pipectl cluster show
      pipectl cluster link prod --cluster dev
    """


@command.command("env")
@options.cluster_option
@options.output_option
def env(cluster: str | None, output: str) -> None:
    """Print DCOS_URL and DCOS_ACS_TOKEN of a local cluster.

    Other clients connect with them. The token is a secret. It changes with each start of the cluster.

    \b
    Example:
      eval "$(pipectl cluster env)" && dcos marathon app list
    """
    name = cluster or LOCAL
    if not is_local(name):
        raise UsageProblem(
            f"{name} is not a local cluster", hint="`dcos` knows the address and the token of your clusters"
        )
    enter(name)
    url, token = local.address()
    values = {"DCOS_URL": url, "DCOS_ACS_TOKEN": token}
    if output == "json":
        out.print_json(values)
    else:
        for key, value in values.items():
            click.echo(f"export {key}={value}")


@command.command("show")
@session_options(reads_only=True)
def show(run: Session, output: str) -> None:
    """Show the address, the version and the links of the cluster.

    \b
    Example:
      pipectl cluster show --cluster prod
    """
    clusters = run.engine.clusters
    known = clusters.known()
    current = next((one for one in known if one.current), None)
    links = [one.name for one in clusters.linked()]
    address = current.url if current else run.engine.front_door()
    version = current.version if current else None
    deployed = any(app.owner == run.settings.group for app in run.engine.apps().values())
    if output == "json":
        out.print_json(
            {
                "cluster": run.cluster_name,
                "cluster_id": current.id if current else None,
                "name": current.name if current else None,
                "url": address,
                "dcos_version": version,
                "deployed": deployed,
                "links": links,
                "known": [
                    {"cluster_id": one.id, "name": one.name, "url": one.url, "dcos_version": one.version}
                    for one in known
                ],
            }
        )
        return
    shown = {
        "cluster": run.cluster_name,
        "address": address,
        "version": version or "unknown",
        "bundle": "deployed" if deployed else "not deployed",
        "links": ", ".join(links) or "none",
    }
    for key, value in shown.items():
        click.echo(f"{key:<8} {value}")


@command.command("link")
@click.argument("other")
@session_options(reads_only=False)
def link(run: Session, output: str, other: str) -> None:
    """Link the cluster to OTHER, so that its users can find OTHER, and its live page offers OTHER's.

    OTHER is a name that --cluster takes, or the name or ID of a cluster that `dcos cluster list` shows. On
    DC/OS, links need DC/OS Enterprise. A local cluster links to local clusters only.

    \b
    Example:
      pipectl cluster link prod --cluster dev
      pipectl cluster link local-prod
    """
    name = _client_name(run, other)
    if name not in _linked(run):
        run.engine.clusters.link(name)
        result, changed = f"linked to {other}", True
    else:
        result, changed = f"already linked to {other}", False
    _show(run, output, result, changed=changed)
    _show_on_page(run)


@command.command("unlink")
@click.argument("other")
@session_options(reads_only=False)
def unlink(run: Session, output: str, other: str) -> None:
    """Remove the link of the cluster to OTHER.

    \b
    Example:
      pipectl cluster unlink prod --cluster dev
    """
    # The other cluster may be gone, so it need not be known here.
    linked = _linked(run)
    name = other if other in linked else _client_name(run, other)
    if name not in linked:
        _show(run, output, f"not linked to {other}", changed=False)
        return
    run.engine.clusters.unlink(name)
    _show(run, output, f"no longer linked to {other}", changed=True)
    _show_on_page(run)


def _show_on_page(run: Session) -> None:
    """The link is changed already, so an error here is only a note."""
    try:
        if show_linked(run):
            click.echo("note: the live page shows the clusters that are linked now", err=True)
    except PipectlError as error:
        click.echo(f"note: the live page does not show this yet, but after a deploy: {error}", err=True)


def _linked(run: Session) -> set[str]:
    return {text for one in run.engine.clusters.linked() for text in (one.id, one.name)}


def _client_name(run: Session, other: str) -> str:
    """The name by which the engine's client knows OTHER. Raises UsageProblem if they cannot be linked."""
    if other == run.cluster_name:
        raise UsageProblem(f"a cluster cannot be linked to itself: {other}", hint="choose one with --cluster")
    if run.is_local:
        running = [one[1] for one in local.neighbours()]
        if other not in running:
            raise UsageProblem(
                f"cannot link {run.cluster_name} to {other}: no local cluster of that name runs",
                hint=f"the local clusters that run: {', '.join(running)}; `pipectl deploy --cluster "
                "local-NAME` makes another one",
            )
        return other
    if is_local(other):
        raise UsageProblem(f"{other} is on this machine, where {run.cluster_name} cannot reach it")
    from cli.catalogue import load_settings
    from marathon import cluster_names

    if other in cluster_names():
        return load_settings(other).dcos.cluster or other
    return other


def _show(run: Session, output: str, result: str, *, changed: bool) -> None:
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "changed": changed})
    else:
        click.echo(f"Cluster {run.cluster_name}: {result}.")
