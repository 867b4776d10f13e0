"""Printing."""

import json
import sys
from typing import Any


def emit(document: Any) -> None:
    """Prints a text as it is, anything else as sorted, indented JSON."""
    text = document if isinstance(document, str) else json.dumps(document, sort_keys=True, indent=2)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Prints to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
