"""`pipectl area`: areas of a cluster, each with a quota."""

import sys

import click

from cli import local, options
from cli import output as out
from cli.engine.surroundings import AreaStatus, Quota
from cli.errors import PipectlError, UsageProblem
from cli.session import Session
from cli.session_options import session_options
from marathon.areas import Area


@click.group("area")
def command() -> None:
    """List, create and delete areas of a cluster, such as dev, test and prod.

    An area has a Marathon group, a topic prefix and a quota of its own. Commands such as `deploy`, `status`
    and `destroy` take `--area NAME`, and then work with the bundle in that area.

    \b
    Example:
      pipectl area create dev
      pipectl deploy --area dev
    """


@command.command("list")
@session_options(reads_only=True)
def list_areas(run: Session, output: str) -> None:
    """List the areas with their quotas and what they use.

    \b
    Example:
      pipectl area list
      pipectl area list --cluster prod -o json
    """
    wanted = {name: _quota(area) for name, area in run.settings.areas.items() if area is not None}
    found = run.engine.areas.all()
    areas = [
        found.get(name) or AreaStatus(name, wanted[name], None, None)
        for name in dict.fromkeys([*wanted, *found])
    ]
    if output == "json":
        documents = [
            {**_document(one), "created": one.name in found, "apps": len(_apps(run, one.name))}
            for one in areas
        ]
        out.print_json({"cluster": run.cluster_name, "areas": documents})
        return
    out.print_table(
        ("area", "state", "apps", "CPUs", "memory MiB", "promised"),
        [
            (
                one.name,
                "created" if one.name in found else "not created",
                str(len(_apps(run, one.name))),
                out.share(one.used_cpus, one.quota.cpus),
                out.share(one.used_mem, one.quota.mem),
                "yes" if one.quota.promised else "no",
            )
            for one in areas
        ],
    )


@command.command("create")
@click.argument("name")
@session_options(reads_only=False)
def create(run: Session, output: str, name: str) -> None:
    """Create an area, or change its quota to that in the settings.

    The setting `areas.NAME` holds the quota: `cpus`, `mem` in MiB, and whether they are `promised`, that is,
    kept free for the area. Without a quota, an area has no limit, and nothing is kept free for it.

    \b
    Example:
      pipectl area create dev --set 'areas.dev={cpus: 4, mem: 8192}'
      pipectl area create prod --cluster prod
    """
    area = _area(run, name)
    if area.promised and area.cpus is None and area.mem is None:
        raise UsageProblem(
            f"area {name} is promised nothing", hint=f"set areas.{name}.cpus or areas.{name}.mem"
        )
    if run.is_local:
        local.start(agents=run.settings.local.agents)
    before = run.engine.areas.all().get(name)
    if before is None or before.quota != _quota(area):
        run.engine.areas.put(name, _quota(area))
        result = "created" if before is None else "changed"
    else:
        result = "unchanged"
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "area": name, "result": result})
    else:
        click.echo(f"Cluster {run.cluster_name}: area {name} {result}.")


@command.command("delete")
@click.argument("name")
@session_options(reads_only=False)
@options.yes_option
@click.option("--with-apps", is_flag=True, help="Also remove the apps in it.")
def delete(run: Session, output: str, name: str, yes: bool, with_apps: bool) -> None:
    """Delete an area with its quota. Topics and stores stay.

    An area with apps is deleted only with --with-apps. `pipectl destroy --area NAME` removes a bundle in
    order, with a savepoint.

    \b
    Example:
      pipectl area delete dev --yes
    """
    if name not in run.engine.areas.all():
        raise PipectlError(f"cluster {run.cluster_name} has no area {name}", hint="see `pipectl area list`")
    apps = _apps(run, name)
    if apps and not with_apps:
        raise PipectlError(
            f"area {name} has {len(apps)} apps: {', '.join(apps)}",
            hint=f"remove them with `pipectl destroy --area {name}`, or add --with-apps",
        )
    if not yes:
        if not sys.stdin.isatty():
            raise UsageProblem(
                f"this would delete area {name}, but there is no terminal to ask on", hint="add --yes"
            )
        extent = f" with {', '.join(apps)}" if apps else ""
        click.confirm(f"Cluster {run.cluster_name}: delete area {name}{extent}?", abort=True, err=True)
    run.engine.areas.delete(name)
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "area": name, "removed": apps})
    else:
        click.echo(f"Cluster {run.cluster_name}: area {name} deleted.")


def _area(run: Session, name: str) -> Area:
    area = run.settings.areas.get(name)
    if area is None:
        known = [each for each, one in run.settings.areas.items() if one is not None]
        raise UsageProblem(
            f"the settings have no area {name}",
            hint=f"the areas are {', '.join(known)}; --set 'areas.{name}={{}}' adds one",
        )
    return area


def _quota(area: Area) -> Quota:
    return Quota(area.cpus, area.mem, area.promised)


def _apps(run: Session, name: str) -> list[str]:
    return sorted(app for app in run.engine.apps() if app.startswith(f"/{name}/"))


def _document(status: AreaStatus) -> dict[str, object]:
    quota = status.quota
    return {
        "area": status.name,
        "cpus": quota.cpus,
        "mem": quota.mem,
        "promised": quota.promised,
        "used_cpus": status.used_cpus,
        "used_mem": status.used_mem,
    }
