"""Who else may read a file that holds a secret."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_to(file: Path) -> str | None:
    """ "every user" or "the group", if they may read the file; None if nobody else may.

    A group may read the file of another user, such as root: otherwise this process could not. Raises OSError.
    """
    found = file.stat()
    if found.st_mode & stat.S_IROTH:
        return "every user"
    return "the group" if found.st_mode & stat.S_IRGRP and found.st_uid == os.geteuid() else None
