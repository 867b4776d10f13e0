"""`pipectl promote`: deploy what runs on one cluster to another."""

import json
from pathlib import Path

import click

from cli import options
from cli.catalogue import load_settings
from cli.commands.deploy import deploy
from cli.errors import PipectlError, Unhealthy, UsageProblem
from cli.panes import asked
from cli.promotion import as_document, as_overrides, promoted
from cli.session import session
from marathon import BundleError, Settings, parts


@click.command("promote")
@click.option("--from", "source", metavar="NAME", required=True, help="The cluster whose bundle is promoted.")
@click.option("--to", "target", metavar="NAME", required=True, help="The cluster that gets it.")
@click.option("--from-area", metavar="NAME", help="The area of the bundle that is promoted.")
@click.option("--to-area", metavar="NAME", help="The area that gets it.")
@options.settings_options
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the promoted settings to this file. Later deploys of the target need it with -f.",
)
@options.yes_option
@options.output_option
@options.dcos_option
@options.verbose_option
def command(
    source: str,
    target: str,
    from_area: str | None,
    to_area: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    save: Path | None,
    yes: bool,
    output: str,
    verbose: bool,
) -> None:
    """Deploy the bundle of one cluster or area to another: its image, and the settings of what it computes.

    Sizes, addresses, secrets, topics and stores stay those of the target. The source must be healthy and
    deployed as its settings say; if it was deployed with -f or --set, pass the same options. The plan is
    shown first, and every change needs your confirmation, or --yes.

    \b
    Example:
      pipectl promote --from dev --to prod
      pipectl promote --from dev --to prod --set generator.rate=100 --save prod-settings.yaml
      pipectl promote --from prod --from-area test --to prod --to-area prod
    """
    if (source, from_area) == (target, to_area):
        raise UsageProblem("--from and --to name the same cluster", hint="with areas, it may be")
    theirs = _settings(source, from_area, files, overrides)
    ours = _settings(target, to_area)
    running = _components(source, from_area, files, overrides)
    theirs = theirs.model_copy(update={"parts": _parts(theirs, running)})
    changes = promoted(theirs, ours)
    if theirs.image is None and ours.image is not None:
        click.secho(f"note: {source} runs without an image; {target} keeps {ours.image}", err=True)
    run = session(target, (), as_overrides(changes), verbose, reads_only=False, area=to_area)
    for line in as_overrides(changes):
        click.echo(f"promotes {line}", err=True)
    if save is not None:
        _write(save, as_document(changes))
    with run.complete_hints():
        deploy(run, output, yes=yes, always_ask=True)
    if changes and save is None:
        # The cluster's file is also that of its other areas.
        else_file = "" if to_area else f", or change marathon/clusters/{target}.yaml"
        click.echo(
            f"note: the settings of {run.label} do not hold the promoted ones yet; write them to a file with "
            f"--save and deploy with -f{else_file}",
            err=True,
        )


def _settings(
    cluster: str, area: str | None, files: tuple[Path, ...] = (), overrides: tuple[str, ...] = ()
) -> Settings:
    try:
        return load_settings(cluster, files=files, overrides=overrides, area=area)
    except BundleError as error:
        raise UsageProblem(str(error)) from None


def _parts(settings: Settings, running: set[str]) -> tuple[str, ...]:
    """The parts of the source: those of its settings, and those that a deploy added with `--with`."""
    by_option = [name for name, part in parts(settings).items() if part.components.keys() & running]
    return tuple(dict.fromkeys((*settings.parts, *by_option)))


def _components(
    source: str, area: str | None, files: tuple[Path, ...], overrides: tuple[str, ...]
) -> set[str]:
    """The components that run at the source, which must be healthy, and deployed as its settings say."""
    settings = [
        *(part for file in files for part in ("-f", str(file))),
        *(part for text in overrides for part in ("--set", text)),
    ]
    common = ["--cluster", source, *options.area_arguments(area), *settings, *options.dcos_arguments()]
    plan, problem = asked("plan", *common)
    if plan is None:
        raise PipectlError(f"cannot compare {source} with its settings: {problem}")
    if plan["changed"]:
        changed = [
            f"{one['action']} {one['name']}" for one in plan["changes"] if one["action"] != "unchanged"
        ]
        raise PipectlError(
            f"{source} is not as its settings say: a deploy would {', '.join(changed)}",
            hint=f"give the -f and --set of its last deploy, or deploy {source} with its settings first",
        )
    status, problem = asked("status", *common)
    if status is None or not status["healthy"]:
        raise Unhealthy(
            f"{source} is not healthy, so it is not promoted{f': {problem}' if problem else ''}",
            hint=f"see `{' '.join(['pipectl status --cluster', source, *options.area_arguments(area)])}`",
        )
    return {component["name"] for component in status["components"]}


def _write(file: Path, document: object) -> None:
    try:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise PipectlError(f"cannot write {file}: {error.strerror}") from None
