"""`python -m local_dcos serve|start|stop|purge|status|link [--home DIR] [--port N] [--service NAME]`."""

import argparse
import sys
from pathlib import Path

from local_dcos import daemon
from local_dcos.errors import LocalDcosError
from local_dcos.home import Home, default_home

HELP = {
    "serve": "run the cluster in the foreground until Ctrl-C",
    "start": "run it in the background, if it doesn't already; prints its url",
    "stop": "end every task and the cluster; its apps come back with the next start",
    "purge": "stop, and remove what the cluster put into its folder",
    "status": "print the url of the running cluster; exit code 4 when it isn't running",
    "link": "print a link that signs a browser in to the page of a service; it works once, for ten minutes",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_dcos", description="A DC/OS on one machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in HELP.items():
        command = verbs.add_parser(verb, help=text, description=text)
        command.add_argument("--home", type=Path, help="the cluster's folder (PIPECTL_HOME/cluster)")
        if verb in ("serve", "start"):
            command.add_argument("--port", type=int, default=0, help="0: the last one, or any free (default)")
        if verb == "link":
            command.add_argument("--service", required=True, help="its name: the page is at /service/NAME/")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    home = Home(arguments.home or default_home())
    match arguments.verb:
        case "serve":
            from local_dcos.server import serve

            serve(home, arguments.port)
        case "start":
            print(daemon.start(home, arguments.port))  # noqa: T201
        case "stop":
            daemon.stop(home)
        case "purge":
            for left in daemon.purge(home):
                print(f"Left where it is, since no cluster put it there: {left}", file=sys.stderr)  # noqa: T201
        case "link":
            print(daemon.link(home, arguments.service))  # noqa: T201
        case "status":
            running = daemon.answers(home)
            print(home.cluster()["url"] if running else "not running")  # noqa: T201
            return 0 if running else 4
    return 0


def main() -> int:
    """Runs the command line; returns its exit code."""
    try:
        return _run(_parser().parse_args())
    except LocalDcosError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except OSError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return LocalDcosError.exit_code


if __name__ == "__main__":
    sys.exit(main())
