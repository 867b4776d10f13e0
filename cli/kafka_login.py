"""How pipectl itself logs in to Kafka, and what the cluster `local` needs so that everybody can."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import PipectlError

if TYPE_CHECKING:
    from marathon.kafka_security import KafkaSecurity

HOST = "127.0.0.1"
OPERATOR = "pipectl"


def login_to_kafka(security: KafkaSecurity, local_secrets: Path | None) -> dict[str, str]:
    """The variables that `kafka_topic.security` reads. local_secrets: the folder of `local`'s secrets.

    Raises PipectlError if the settings do not say where pipectl's own login is: they may be other settings
    than those of the deploy.
    """
    if not security.wanted:
        return {}
    if security.folder is not None:
        folder = Path(security.folder).expanduser()
    elif local_secrets is not None and security.secrets is not None:
        folder = local_secrets / security.secrets
    else:
        raise PipectlError(
            f"Kafka asks for a login ({security.protocol}), and kafka.security.folder, the folder with "
            "pipectl's own, is not set",
            hint="pass the settings of the deploy (-f, --set)",
        )
    credential = security.credential
    return {
        "KAFKA_SECURITY_PROTOCOL": security.protocol,
        "KAFKA_USER": OPERATOR,
        "KAFKA_CA_FILE": str(folder / "ca"),
        f"KAFKA_{credential.upper()}_FILE": str(folder / f"{OPERATOR}-{credential}"),
    }


def keep_kafka_secrets(security: KafkaSecurity, local_secrets: Path) -> None:
    """Make the secrets of all users and of the broker once: what runs knows them, so they must not change.

    The authority's own key is in no file, so that nobody can make further keys. Raises PipectlError.
    """
    if not security.wanted:
        return
    folder = local_secrets / str(security.secrets)
    if folder.exists():
        return
    from cli.kafka_keys import Authority, new_password
    from marathon.kafka_security import USERS

    authority = Authority.create()
    files = {"ca": authority.certificate, "broker-key": authority.issue("broker", hosts=(HOST,))}
    for user in (OPERATOR, *USERS):
        files |= {f"{user}-key": authority.issue(user), f"{user}-password": new_password() + "\n"}
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, content in files.items():
                with os.fdopen(os.open(half / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                    out.write(content)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    except OSError as error:
        if folder.exists():
            return  # another pipectl was as quick
        raise PipectlError(
            f"cannot write the keys of Kafka to {folder}: {error.strerror}",
            hint="make that folder writable, or choose another with the environment variable PIPECTL_HOME",
        ) from None
