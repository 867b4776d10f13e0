"""The files of this package, how messages name them, and how a key path is written."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

KeyPath = tuple[str | int, ...]


def shown(file: Path) -> str:
    """The name of `file` in messages: relative for this package's files, else as the user gave it."""
    return str(file.relative_to(PACKAGE.parent)) if file.is_relative_to(PACKAGE) else str(file)


def dotted(path: KeyPath) -> str:
    """`("positions", 1)` as `positions[1]`, `("flink", "state")` as `flink.state`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
