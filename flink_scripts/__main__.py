"""`python -m flink_scripts jobmanager | taskmanager | job MODULE`."""

from __future__ import annotations

import sys

from flink_scripts.errors import FlinkScriptsError
from flink_scripts.settings import Environment

_USAGE = "usage: python -m flink_scripts jobmanager | taskmanager | job MODULE"


def main(argv: list[str]) -> int:
    """Run one role; the exit code is 0 only for a job that was stopped on request."""
    env = Environment()
    try:
        match argv:
            case ["jobmanager"]:
                from flink_scripts.processes import run_jobmanager

                run_jobmanager(env)
            case ["taskmanager"]:
                from flink_scripts.processes import run_taskmanager

                run_taskmanager(env)
            case ["job", module]:
                from flink_scripts.job import run_job

                return run_job(module, env)
            case _:
                sys.stderr.write(_USAGE + "\n")
                return 2
    except FlinkScriptsError as error:
        sys.stderr.write(f"flink_scripts: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
