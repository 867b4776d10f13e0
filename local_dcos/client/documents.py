"""JSON documents that commands read."""

import json
import sys
from pathlib import Path
from typing import Any

from local_dcos.client.rest import ClientError


def read_json(file: str | None) -> Any:
    """Returns the JSON in a file, or on stdin when no file is named.

    Raises:
        ClientError: There is no such file, it can't be read, or it holds no JSON.
    """
    if file is not None and not Path(file).is_file():
        raise ClientError(f"Can't read from resource: {file}.\nPlease check that it exists.")
    try:
        return json.loads(sys.stdin.read() if file is None else Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ClientError(f"Can't read from resource: {file}: {error.strerror}") from error
    except ValueError as error:
        raise ClientError(f"Error loading JSON: {error}") from error
