"""`python -m notebooks.single`: the server of one user, which the hub starts, with what it has set in the
environment. The working folder is the user's own.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

from jupyterhub.singleuser.extension import JupyterHubSingleUser

from notebooks.server import IDLE_SECONDS, common_config, copy_examples, use_state_in


def main() -> None:
    """Serve until the hub ends it, or until nobody has used it for long."""
    # Each kernel inherits the limit; no process of the user can raise it.
    limit = int(os.environ["MEM_LIMIT"])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    # Memory for a thread on each of many cores would take much of it.
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    folder = Path.cwd()
    copy_examples(folder)
    use_state_in(folder)
    config: Any = common_config()
    config.ServerApp.shutdown_no_activity_timeout = IDLE_SECONDS
    JupyterHubSingleUser.initialize_server(argv=[], config=config).start()


if __name__ == "__main__":
    main()
