"""`pipectl parts`: what of a bundle is optional."""

from dataclasses import replace
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.session import session


@click.command("parts")
@options.cluster_option
@options.settings_options
@options.output_option
def command(cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str) -> None:
    """List the optional parts of the bundle, with the memory and disk that each needs; contacts nothing.

    The setting `parts` switches them on, or `pipectl deploy --with PART`, which the next deploys remember.

    \b
    Example:
      pipectl parts --cluster prod
    """
    from marathon import parts

    run = session(cluster, files, overrides, False, reads_only=True)
    known = parts(run.settings)
    bundle = replace(run, with_parts=frozenset(known)).bundle
    found = []
    for name, part in known.items():
        apps = [bundle.apps[each] for each in part.components if each in bundle.apps]
        others = part.components.values()
        found.append(
            {
                "part": name,
                "on": name in run.settings.parts,
                "memory_mib": sum(app.memory for app in apps) + sum(one.memory for one in others),
                "disk_mib": sum(app.disk for app in apps) + sum(one.disk for one in others),
                "components": list(part.components),
                "about": part.about,
            }
        )
    if output == "json":
        out.print_json(found)
        return
    columns = ("part", "setting", "memory MiB", "disk MiB", "components", "what it is")
    rows = [
        (
            str(each["part"]),
            "on" if each["on"] else "off",
            str(each["memory_mib"]),
            str(each["disk_mib"]),
            ", ".join(known[str(each["part"])].components),
            str(each["about"]),
        )
        for each in found
    ]
    out.print_table(columns, rows)
