"""`python -m local_dcos serve|start|stop|purge|status|link|kill-node [OPTIONS]`."""

import argparse
import sys
from pathlib import Path

from local_dcos import daemon
from local_dcos.errors import LocalDcosError
from local_dcos.home import CLUSTER_NAME, HOME_VARIABLE, Home, default_home

HELP = {
    "serve": "run the cluster in the foreground until Ctrl-C",
    "start": "run the cluster in the background, unless it runs already, and print its address",
    "stop": "end every task and the cluster; the next start launches the apps again",
    "purge": "stop the cluster and remove its files",
    "status": "print the address of the running cluster; the exit code is 4 if it is not running",
    "link": "print a link that signs a browser in to the page of a service, once and within ten minutes",
    "kill-node": "kill an agent of several with all its tasks, and print their ids; it comes back later",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_dcos", description="A DC/OS on one machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in HELP.items():
        command = verbs.add_parser(verb, help=text, description=text)
        command.add_argument(
            "--home", type=Path, help=f"the folder of the cluster (default: {HOME_VARIABLE}/cluster)"
        )
        if verb in ("serve", "start"):
            command.add_argument(
                "--port", type=int, default=0, help="default: the port of the last start, or any free one"
            )
            command.add_argument(
                "--agents", type=int, default=0, help="default: as many as before, one in a new cluster"
            )
        if verb == "start":
            command.add_argument(
                "--name", default=CLUSTER_NAME, help="the name of a new cluster (default: %(default)s)"
            )
        if verb == "kill-node":
            command.add_argument("--node", required=True, help="the id of the agent")
            command.add_argument(
                "--seconds", type=float, default=60.0, help="until it comes back (default: %(default)s)"
            )
        if verb == "link":
            command.add_argument("--service", required=True, help="the name in /service/NAME/")
            command.add_argument("--user", default="", help="sign in as this user of the service")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    home = Home(arguments.home or default_home())
    match arguments.verb:
        case "serve":
            from local_dcos.server import serve

            serve(home, arguments.port, arguments.agents)
        case "start":
            print(daemon.start(home, arguments.port, arguments.name, arguments.agents))  # noqa: T201
        case "stop":
            daemon.stop(home)
        case "purge":
            for foreign in daemon.purge(home):
                print(f"Kept, as it is not the cluster's: {foreign}", file=sys.stderr)  # noqa: T201
        case "link":
            print(daemon.link(home, arguments.service, arguments.user))  # noqa: T201
        case "kill-node":
            for task in daemon.kill_node(home, arguments.node, arguments.seconds):
                print(task)  # noqa: T201
        case "status":
            running = daemon.answers(home)
            print(home.cluster()["url"] if running else "not running")  # noqa: T201
            return 0 if running else 4
    return 0


def main() -> int:
    """Runs the command line. Returns 0, 1 for an error, or 4 if `status` finds no running cluster."""
    try:
        return _run(_parser().parse_args())
    except (LocalDcosError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
