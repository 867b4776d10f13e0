"""`pipectl parts`: the optional parts of the bundle."""

from dataclasses import replace
from typing import Any

import click

from cli import output as out
from cli.session import Session
from cli.session_options import offline_options


@click.command("parts")
@offline_options
def command(run: Session, output: str) -> None:
    """List the optional parts of the bundle with their memory and disk; contacts nothing.

    The setting `parts` enables them. So does `pipectl deploy --with PART`, which later deploys remember.
    Folders are the settings with the folders that a part fills with results, besides its disk.

    \b
    Example:
      pipectl parts --cluster prod
    """
    from marathon import parts

    if run.settings.stores.disk is None:
        # The parts with streams cannot be enabled without it, so what they need counts the streams in.
        run = replace(run, overrides=(*run.overrides, "stores.disk=/anywhere"))
    known = parts(run.settings)
    bundle = replace(run, with_parts=frozenset(known)).bundle
    found: list[dict[str, Any]] = []
    for name, part in known.items():
        enabled = {each: one for each, one in part.components.items() if each in bundle.components}
        apps = [bundle.apps[each] for each in enabled if each in bundle.apps]
        found.append(
            {
                "part": name,
                "on": name in run.settings.parts,
                "memory_mib": sum(app.memory for app in apps) + sum(one.memory for one in enabled.values()),
                "disk_mib": sum(app.disk for app in apps) + sum(one.disk for one in enabled.values()),
                "folders": sorted({each for one in enabled.values() for each in one.folders}),
                "components": list(enabled),
                "about": part.about,
            }
        )
    if output == "json":
        out.print_json(found)
        return
    columns = ("part", "setting", "memory MiB", "disk MiB", "folders", "components", "description")
    rows = [
        (
            str(each["part"]),
            "on" if each["on"] else "off",
            str(each["memory_mib"]),
            str(each["disk_mib"]),
            ", ".join(each["folders"]) or "-",
            ", ".join(each["components"]),
            str(each["about"]),
        )
        for each in found
    ]
    out.print_table(columns, rows)
