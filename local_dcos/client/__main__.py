"""`python -m local_dcos.client ARGS…`: the part of `dcos ARGS…` that pipectl needs.

The arguments and the errors are those of PyPI's dcoscli 0.6.1. Output is always JSON; the real client also
has tables.
"""

import importlib
import sys

from local_dcos import PACKAGES
from local_dcos.client.arguments import UsageError
from local_dcos.client.output import emit, warn
from local_dcos.client.rest import ClientError

USAGE = """Usage:
    dcos cluster link|list|unlink ...
    dcos config show <name>
    dcos job add|history|kill|list|remove|run|show|update ...
    dcos kafka [--name=<service>] topic ...
    dcos marathon about
    dcos marathon app add|list|remove|show|update ...
    dcos marathon debug list|summary ...
    dcos marathon deployment list
    dcos marathon group add|list|remove|update ...
    dcos marathon task list ...
    dcos node --json
    dcos package describe|install|list|uninstall ...
    dcos package repo list
    dcos {packages} [--name=<service>] endpoints|plan ...
    dcos quota create|delete|list|update ...
    dcos task log ...

The real client has more commands and works with this cluster too: `pip install dcoscli`.""".format(
    packages="|".join(PACKAGES)
)
GROUPS = ("cluster", "config", "job", "marathon", "node", "package", "quota", "task")


def run(argv: list[str]) -> int:
    """Runs one command and returns its exit code. Imports only the module of that command."""
    if not argv or argv[0] in ("--help", "-h", "help"):
        emit(USAGE)
        return 0
    if argv[0] in PACKAGES:
        from local_dcos.client import service

        return service.run(argv[0], argv[1:])
    if argv[0] in GROUPS:
        commands = importlib.import_module(f"local_dcos.client.{argv[0]}").COMMANDS
        # A command is one or two words below its group, as in `task log` and `marathon app list`.
        for end in (3, 2):
            if (command := commands.get(" ".join(argv[1:end]))) is not None:
                command(argv[end:])
                return 0
    name = " ".join(word for word in argv[:3] if not word.startswith("-"))
    raise ClientError(
        f"'{name}' is not a dcos command of this small client; the real one may have it.\n\n{USAGE}"
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line. Each error goes to the stream that the real client uses."""
    try:
        return run(sys.argv[1:] if argv is None else argv)
    except ClientError as error:
        warn(str(error))
        return 1
    except UsageError as error:
        emit(f"Invalid subcommand usage\n\nUsage:\n    {error}")
        return 1
    except KeyboardInterrupt:
        warn("User interrupted command with Ctrl-C")
        return 0
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
