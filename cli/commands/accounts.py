"""`pipectl accounts`: accounts of services and people, their groups and rights, and Linux users."""

from pathlib import Path

import click

from cli import output as out
from cli.accounts.apply import apply
from cli.accounts.linux import linux_script
from cli.accounts.plan import AccountsPlan, plan_of
from cli.home import home
from cli.progress import Progress
from cli.session import Session
from cli.session_options import offline_options, session_options

CHANGES = 2
_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "unchanged": ("=", None)}


@click.group("accounts")
def command() -> None:
    """Create accounts for services and people, with the least rights in each area.

    They are part of DC/OS Enterprise. On open DC/OS, only `accounts linux` works.

    \b
    Example:
      pipectl accounts plan --cluster prod
      pipectl accounts apply --cluster prod
    """


@command.command("plan")
@session_options(reads_only=True)
@click.option("--full", is_flag=True, help="Also show what new accounts get.")
def plan(run: Session, output: str, full: bool) -> None:
    """Show which accounts exist, which would be created, and which are not in the settings.

    It changes nothing. Exit code 0 means no changes, 1 an error, 2 changes (or, as for every command, invalid
    settings).

    \b
    Example:
      pipectl accounts plan --cluster prod
      pipectl accounts plan --cluster prod -o json
    """
    with Progress() as progress, progress.step("plan", "reaching the cluster") as step:
        found = plan_of(run.settings, run.engine, _keys(run), step.report)
        step.end("done", "compared")
    if output == "json":
        out.print_json({"cluster": run.cluster_name, **found.document()})
    else:
        _show(found, err=False, full=full)
        click.secho(f"Cluster {run.cluster_name}: {_counts(found) or 'no changes'}.", bold=True)
    if found.changed:
        raise click.exceptions.Exit(CHANGES)


@command.command("apply")
@session_options(reads_only=False)
def apply_plan(run: Session, output: str) -> None:
    """Create the missing accounts, groups and rights. Nothing is changed or removed.

    Keys and passwords are created on this machine, in files that only you can read. The passwords of new
    people stay in `keys` in PIPECTL_HOME; hand them over, then delete them. If it is interrupted,
    run it again.

    \b
    Example:
      pipectl accounts apply --cluster prod
      pipectl accounts apply --cluster prod --set 'accounts.users={alice: [dev, test]}'
    """
    with Progress() as progress:
        with progress.step("plan", "reaching the cluster") as step:
            found = plan_of(run.settings, run.engine, _keys(run), step.report)
            step.end("done", _counts(found) or "no changes")
        with progress.paused():
            _show(found, err=True, full=False)
        passwords = apply(found, run.settings, run.engine, _keys(run), progress)
    if output == "json":
        files = [str(file) for file in passwords]
        out.print_json({"cluster": run.cluster_name, **found.document(), "passwords": files})
        return
    for file in passwords:
        click.echo(f"The password of {file.stem} is in {file}. Hand it over, then delete it.")
    click.echo(f"Cluster {run.cluster_name}: {_counts(found, done=True) or 'no changes'}.")


@command.command("linux")
@offline_options
def linux(run: Session, output: str) -> None:
    """Print the script that creates the Linux users of the agents; contacts nothing.

    The users have no password and no shell. The keys in `accounts.ssh_keys` may open SSH tunnels as them.

    \b
    Example:
      pipectl accounts linux --set accounts.ssh_keys=~/.ssh/id_ed25519.pub > linux-users.sh
    """
    script = linux_script(run.settings)
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "script": script})
    else:
        click.echo(script, nl=False)


def _keys(run: Session) -> Path:
    return home() / "keys" / run.cluster_name


def _counts(plan: AccountsPlan, *, done: bool = False) -> str:
    verbs = (
        {"create": "created", "update": "completed"}
        if done
        else {"create": "to create", "update": "to update"}
    )
    return ", ".join(
        f"{number} {text}"
        for action, text in verbs.items()
        if (number := sum(entry.action == action for entry in plan.entries))
    )


def _show(plan: AccountsPlan, *, err: bool, full: bool) -> None:
    width = max((len(f"{one.wanted.kind} {one.wanted.name}") for one in plan.entries), default=0)
    for entry in plan.entries:
        sign, colour = _SIGNS[entry.action]
        new = entry.action == "create"
        summary = f"  {len(entry.missing)} details" if new and entry.missing and not full else ""
        title = f"{entry.wanted.kind} {entry.wanted.name}"
        click.secho(f"{sign} {title:<{width}}  {entry.action}{summary}", fg=colour, err=err)
        for line in entry.missing if full or not new else []:
            click.secho(f"    +{line}", fg="green", err=err)
        for line in entry.besides:
            click.secho(f"    not in the settings: {line}", err=err)
        if entry.blocked:
            click.secho(f"    blocked: {entry.blocked}", fg="red", err=err)
    for name in plan.others:
        click.secho(f"! service account {name}  not in the settings", fg="yellow", err=err)
