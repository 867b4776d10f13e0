"""`dcos config show`: the settings of this client come from the environment."""

import os

from local_dcos.client.arguments import parse
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError

VARIABLES = {"core.dcos_acs_token": "DCOS_ACS_TOKEN", "core.dcos_url": "DCOS_URL"}


def show(argv: list[str]) -> None:
    """Prints one setting."""
    name = parse(argv, "dcos config show <name>", 1).words[0]
    value = os.environ.get(VARIABLES.get(name, ""))
    if not value:
        raise ClientError(f"Property {name!r} doesn't exist")
    emit(value)


COMMANDS = {"show": show}
