"""The script that creates the Linux users of the agents. pipectl prints it and never runs it."""

from __future__ import annotations

import shlex
from pathlib import Path

from cli.errors import UsageProblem
from marathon import Settings

_BEGIN = """\
#!/bin/sh
# Creates the Linux users for SSH tunnels on this machine, without password and shell. On each agent, as root:
#   ssh AGENT sudo sh -s < linux-users.sh
# A second run changes nothing. It stops at a user or an ID that it did not create.
set -eu
keys=$(cat <<'KEYS'
{keys}KEYS
)
shell=$(command -v nologin || echo /sbin/nologin)
mark="SSH tunnels (pipectl)"

stop() {{
  echo "$1: change accounts.linux_users" >&2
  exit 1
}}

user() {{
  name=$1 id=$2
  if found=$(id -u "$name" 2>/dev/null); then
    [ "$found" = "$id" ] || stop "the ID of $name is $found here, not $id"
    [ "$(getent passwd "$name" | cut -d: -f5)" = "$mark" ] || stop "$name was not created by this script"
    echo "= $name"
  elif other=$(getent passwd "$id"); then
    stop "the ID $id of $name belongs to ${{other%%:*}} here"
  else
    getent group "$name" >/dev/null || groupadd --gid "$id" "$name"
    useradd --uid "$id" --gid "$name" --create-home --shell "$shell" --comment "$mark" "$name"
    echo "+ $name"
  fi
  home=$(getent passwd "$name" | cut -d: -f6)
  if [ -z "$keys" ]; then
    rm -f "$home/.ssh/authorized_keys"
    return
  fi
  # The keys open tunnels and nothing else.
  lines=$(printf '%s\\n' "$keys" | sed 's/^/restrict,port-forwarding /')
  [ "$(cat "$home/.ssh/authorized_keys" 2>/dev/null)" != "$lines" ] || return 0
  (
    umask 077
    mkdir -p "$home/.ssh"
    printf '%s\\n' "$lines" > "$home/.ssh/authorized_keys.new"
  )
  chown -R "$name:" "$home/.ssh"
  mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
}}

"""
_KINDS = ("ssh-", "ecdsa-", "sk-")


def linux_script(settings: Settings) -> str:
    """The script for a POSIX shell. Raises UsageProblem unless `accounts.ssh_keys` holds public keys only."""
    file = settings.accounts.ssh_keys
    keys = _public_keys(Path(file).expanduser()) if file is not None else []
    users = {name: uid for name, uid in settings.accounts.linux_users.items() if uid is not None}
    lines = [f"user {shlex.quote(name)} {uid}\n" for name, uid in users.items()]
    return _BEGIN.format(keys="".join(f"{key}\n" for key in keys)) + "".join(lines)


def _public_keys(file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageProblem(f"accounts.ssh_keys: cannot read {file}: {reason}") from None
    keys = [line for line in lines if line and not line.startswith("#")]
    for number, line in enumerate(lines, 1):
        # The content of a line is not shown: it may be a private key.
        if line in keys and not (line.startswith(_KINDS) and line.isprintable()):
            raise UsageProblem(
                f"{file}:{number}: not a public SSH key",
                hint="write one key per line, as in a file id_ed25519.pub, without options before it",
            )
    return keys
