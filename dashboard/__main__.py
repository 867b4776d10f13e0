"""`python -m dashboard`: settings from the environment, as README.md lists them."""

from __future__ import annotations

import logging
import os
import sys

from dashboard.errors import SettingsError
from dashboard.settings import from_environment


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s dashboard: %(message)s")
    try:
        settings = from_environment()
    except SettingsError as error:
        logging.error("%s", error)
        return error.exit_code
    # Looking on must not slow down what is looked at.
    os.nice(5)
    from dashboard.web import run

    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
