"""`python -m dashboard`: settings from the environment, as README.md lists them."""

from __future__ import annotations

import logging
import os
import sys

from dashboard.settings import Settings
from kafka_topic.errors import SecurityError
from kafka_topic.security import Security
from task_runtime.errors import SettingsError
from task_runtime.process import log_to_stderr


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code."""
    log_to_stderr("dashboard")
    try:
        settings = Settings.from_environ()
        Security.from_environ()
    except (SettingsError, SecurityError) as error:
        logging.error("%s", error)
        return error.exit_code
    # The page must not slow down the pipeline that it shows.
    os.nice(5)
    from dashboard.web import run

    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
