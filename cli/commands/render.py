"""`pipectl render`: the Marathon app definitions as files."""

import json
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.errors import PipectlError
from cli.session import session


@click.command("render")
@options.cluster_option
@options.settings_options
@options.output_option
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one JSON file an app here.",
)
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    folder: Path | None,
) -> None:
    """Render the Marathon app definitions, checked; contacts nothing.

    Without --out they are printed as one JSON object by app name, with it the names of the files; the options
    of the packages are then in DIR/packages, and the one-off jobs in DIR/jobs.

    \b
    Example:
      pipectl render --cluster prod --out rendered
    """
    bundle = session(cluster, files, overrides, False, reads_only=True).bundle
    if folder is None:
        out.print_json({name: app.definition for name, app in bundle.apps.items()})
        return
    documents = {f"{name}.json": app.definition for name, app in bundle.apps.items()}
    documents |= {f"jobs/{name}.json": job.definition for name, job in bundle.jobs.items()}
    documents |= {f"packages/{name}.json": package.options for name, package in bundle.packages.items()}
    written: list[str] = []
    try:
        for each in ("jobs", "packages"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            file = folder / name
            file.write_text(json.dumps(document, indent=2) + "\n")
            written.append(str(file))
    except OSError as error:
        raise PipectlError(
            f"cannot write {error.filename}: {error.strerror}", hint="choose another --out"
        ) from None
    if output == "json":
        out.print_json({"files": written})
    else:
        click.echo("\n".join(written))
