"""`pipectl render`: the Marathon app definitions as files."""

import json
from pathlib import Path

import click

from cli import output as out
from cli.errors import PipectlError
from cli.session import Session
from cli.session_options import offline_options


@click.command("render")
@offline_options
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one JSON file per app to this folder.",
)
def command(run: Session, output: str, folder: Path | None) -> None:
    """Render and check the Marathon app definitions; contacts nothing.

    Without --out, print one JSON object with all apps by name. With it, write the files and print their
    names; DIR/packages then holds the options of the packages,
    and DIR/jobs the one-off jobs.

    \b
    Example:
      pipectl render --cluster prod --out rendered
    """
    bundle = run.bundle
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
