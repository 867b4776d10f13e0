"""Creates what a plan found missing, one entry after the other. Nothing is removed or replaced.

It can end anywhere: each key and password is in a file of this machine before the cluster hears of it, and
the next run continues.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cli.accounts.plan import AccountsPlan, Entry, service_account
from cli.engine.protocol import Engine
from cli.errors import PipectlError, StepFailed
from cli.files import write_private
from cli.progress import Progress
from marathon import Settings


def apply(
    plan: AccountsPlan, settings: Settings, engine: Engine, keys: Path, progress: Progress
) -> list[Path]:
    """Create what is missing. Returns the files with the passwords of new people.

    Raises StepFailed, before it changes anything, if an entry is blocked.
    """
    if blocked := [entry.blocked for entry in plan.entries if entry.blocked]:
        raise StepFailed("; ".join(blocked), hint="nothing was changed")
    passwords = []
    for entry in plan.changed:
        one = entry.wanted
        with progress.step(
            f"{one.kind} {one.name}", "creating" if not entry.exists else "completing"
        ) as step:
            if one.secret is not None:
                service_account(one.name, one.secret, settings, keys).create(
                    engine.secrets, has_secret=entry.has_secret, has_account=entry.exists
                )
            elif not entry.exists and one.kind == "group":
                engine.accounts.create_group(one.name, f"People of area {one.name}, created by pipectl")
            elif not entry.exists:
                passwords.append(_create_user(one.name, engine, keys))
            for group in entry.groups:
                engine.accounts.add_member(group, one.name)
            for number, right in enumerate(entry.rights, 1):
                step.report(f"right {number} of {len(entry.rights)}: {right}")
                engine.accounts.grant(one.principal, one.name, right)
            step.end("done", _summary(entry))
    return passwords


def _create_user(name: str, engine: Engine, keys: Path) -> Path:
    file = keys / f"{name}.password"
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(file, secrets.token_urlsafe(18) + "\n")
        password = file.read_text().strip()
    except OSError as error:
        raise PipectlError(
            f"cannot use {file}: {error.strerror}",
            hint="make the folder writable, or set PIPECTL_HOME to another one",
        ) from None
    engine.accounts.create_user(name, password)
    return file


def _summary(entry: Entry) -> str:
    rights = [f"{len(entry.rights)} rights"] if entry.rights else []
    verb = "completed" if entry.exists else "created"
    return f"{verb}: {', '.join(rights)}" if rights else verb
