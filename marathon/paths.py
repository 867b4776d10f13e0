"""Where this package's own files are, how they are named to the user, and how a key path is written."""

from __future__ import annotations

from pathlib import Path

ROOM = Path(__file__).resolve().parent

KeyPath = tuple[str | int, ...]


def shown(file: Path) -> str:
    """The name of `file` in messages: our own files from the package on, others as they were given."""
    return str(file.relative_to(ROOM.parent)) if file.is_relative_to(ROOM) else str(file)


def dotted(path: KeyPath) -> str:
    """`("positions", 1)` as `positions[1]`, `("flink", "state")` as `flink.state`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
