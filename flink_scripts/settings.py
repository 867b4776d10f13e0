"""The environment of Flink's processes, and the paths in it."""

from __future__ import annotations

from pathlib import Path

from task_runtime.environment import Environment as TaskEnvironment


class Environment(TaskEnvironment):
    """The environment of a task, with what is Flink's."""

    @property
    def state_uri(self) -> str:
        """FLINK_STATE without a trailing slash."""
        return self.text("FLINK_STATE").rstrip("/")


def local_path(uri: str) -> Path | None:
    """The path of a file: URI (or a plain path), None for another file system.

    As Flink reads it: what follows the scheme is a path, in which a space, `%` or `#` stands for itself.
    """
    scheme, found, path = uri.partition("://")
    if not found:
        return Path(uri)
    return Path(path) if scheme == "file" else None


def file_uri(path: Path) -> str:
    """The file: URI under which Flink finds `path`; with Path.as_uri() it would make a folder named %20."""
    return f"file://{path}"
