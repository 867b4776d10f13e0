"""The store `disk`: Parquet files below one folder."""

from __future__ import annotations

from pathlib import Path

from stores.file_store import FileStore
from stores.local_files import LocalFiles


class DiskStore(FileStore):
    """Flows below the folder `root`, which the first write creates."""

    def __init__(self, root: Path) -> None:
        super().__init__(LocalFiles(root))
        self.root = root

    @property
    def problem(self) -> str | None:
        """See Store.problem. A disk is never waited for: its errors end the write."""
        return None

    def files(self, flow: str) -> list[Path]:
        """The files of a flow, for programs that read Parquet themselves.

        A merge may replace some of them. Their rows are then in another file, so call this again.
        """
        return [self.root / path for path in self.paths(flow)]
