"""`python -m local_dcos.client ARGS…`: what `dcos ARGS…` would do, for machines without the real client."""

import sys

from local_dcos.client.arguments import UsageError
from local_dcos.client.output import emit, warn
from local_dcos.client.rest import ClientError

USAGE = """Usage:
    dcos --version
    dcos cluster list [--attached] [--json]
    dcos config show [<name>]
    dcos job add|history|kill|list|remove|run|show|update ...
    dcos kafka [--name=<service>] broker|endpoints|plan|topic ...
    dcos marathon about|app|debug|deployment|group|ping|task ...
    dcos package describe|install|list|repo|search|uninstall ...
    dcos task [--json] | task log ..."""


def run(argv: list[str]) -> int:
    """Runs one command; returns its exit code. Loads only the module of that command."""
    if argv == ["--version"]:
        from local_dcos.client import configuration

        return configuration.version()
    command, rest = (argv[0], argv[1:]) if argv else ("", [])
    match command:
        case "marathon":
            from local_dcos.client import marathon

            return marathon.run(rest)
        case "job":
            from local_dcos.client import job

            return job.run(rest)
        case "package":
            from local_dcos.client import package

            return package.run(rest)
        case "task":
            from local_dcos.client import task

            return task.run(rest)
        case "kafka":
            from local_dcos.client import kafka

            return kafka.run(rest)
        case "config" | "cluster":
            from local_dcos.client import configuration

            return configuration.run(command, rest)
        case "" | "--help" | "-h" | "help":
            emit(USAGE)
            return 0
    raise ClientError(f"'{command}' is not a dcos command.")


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; errors go where the real client sends them."""
    try:
        return run(sys.argv[1:] if argv is None else argv)
    except ClientError as error:
        (emit if error.to_stdout else warn)(str(error))
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
