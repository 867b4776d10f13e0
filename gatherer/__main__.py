"""`python -m gatherer` submits the job; `python -m gatherer --describe` prints what it is, without Flink."""

from __future__ import annotations

import sys

from gatherer.settings import Settings
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError


def main(argv: list[str]) -> int:
    """Submit or describe the job that the environment defines; returns the exit code."""
    if argv not in ([], ["--describe"]):
        sys.stderr.write("usage: python -m gatherer [--describe]\n")
        return 2
    try:
        settings = Settings.from_environ()
        if argv:
            from gatherer.description import describe

            sys.stdout.write(describe(settings) + "\n")
        else:
            from gatherer.job import submit

            submit(settings)
    except (SettingsError, SecurityError) as error:
        sys.stderr.write(f"gatherer: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
