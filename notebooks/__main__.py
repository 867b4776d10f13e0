"""`python -m notebooks`: serves JupyterLab, or JupyterHub if there are users.

The settings are in the environment, as README.md lists them.
"""

from __future__ import annotations

import logging
import os
import sys

from notebooks.settings import Settings
from task_runtime.errors import SettingsError
from task_runtime.process import log_to_stderr


def main() -> int:
    """Serve until SIGTERM; returns the exit code."""
    log_to_stderr("notebooks")
    try:
        settings = Settings.from_environ()
    except SettingsError as error:
        logging.error("%s", error)
        return error.exit_code
    # A notebook must not slow down the pipeline that it reads.
    os.nice(5)
    if settings.users:
        from notebooks.hub import serve
    else:
        from notebooks.server import serve
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
