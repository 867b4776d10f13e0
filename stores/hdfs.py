"""The store `hdfs`: the files of the store `disk`, in a folder of HDFS.

Everything goes through WebHDFS, so neither a JVM nor a native library is needed.
"""

from __future__ import annotations

import io
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSystemHandler, FileType, PyFileSystem

from stores.errors import BrokenError
from stores.file_store import FileStore
from stores.file_system import LEFT_OVER, LOCK, Entry
from stores.patience import PATIENCE_SECONDS
from stores.webhdfs import Address, WebHdfs

_WHOLE = 4 * 2**20
"""A file up to this size is read with one request."""
_CHUNK = 2**20
_MERGE_SECONDS = 600.0
"""How long a process may merge."""
_CLAIM_SECONDS = _MERGE_SECONDS + 300
"""A claim that is older was left behind by a crash."""


class HdfsStore(FileStore):
    """Flows below the folder of `address`, which belongs to the user `pipectl`. Threads may share it."""

    def __init__(self, address: Address) -> None:
        self._reader = WebHdfs(address)
        self._writer = WebHdfs(address, reading=PATIENCE_SECONDS)
        super().__init__(HdfsFiles(self._reader), HdfsFiles(self._writer))

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._writer.problem

    def close(self) -> None:
        """Disconnect."""
        self._reader.close()
        self._writer.close()


class HdfsFiles:
    """See FileSystem."""

    def __init__(self, client: WebHdfs) -> None:
        self._client = client
        self._made: set[str] = set()
        self.arrow = PyFileSystem(_Reader(client))

    def where(self, path: str) -> str:
        """See FileSystem.where."""
        return self._client.where(path)

    def locations(self, paths: Sequence[str]) -> Sequence[str]:
        """See FileSystem.locations."""
        return self._client.locations(paths)

    def list(self, folder: str) -> list[Entry]:
        """See FileSystem.list."""
        try:
            return self._client.list(folder)
        except FileNotFoundError:
            return []

    def make(self, folder: str) -> None:
        """See FileSystem.make."""
        if folder not in self._made:
            self._client.make(folder)
            self._made.add(folder)

    @contextmanager
    def replacing(self, path: str) -> Iterator[Path]:
        """See FileSystem.replacing. A file that is there already stays: its name says that it is the same."""
        unfinished = f"{path.rpartition('/')[0]}/{LEFT_OVER}{secrets.token_hex(8)}"
        with tempfile.TemporaryDirectory(prefix="pipectl-hdfs-") as folder:
            local = Path(folder) / "file"
            yield local
            self._client.upload(unfinished, local)
        # Not renamed if the file is there, also when the answer to a first attempt was lost.
        if not self._client.rename(unfinished, path):
            self._client.remove(unfinished)
            if not self._is_there(path):
                raise BrokenError(f"{self.where(path)}: its folder was removed meanwhile; write it again")

    def remove(self, path: str) -> None:
        """See FileSystem.remove."""
        self._client.remove(path)

    @contextmanager
    def merging(self, folder: str) -> Iterator[Callable[[], bool]]:
        """See FileSystem.merging.

        Each process first makes a claim, a file with a name of its own, and then looks for others. Of two
        that do so at once, at least one sees the other. Removing a claim that was left behind cannot hit a
        newer one.
        """
        claim = f"{LOCK}-{secrets.token_hex(8)}"
        until = time.monotonic() + _MERGE_SECONDS
        self._client.create(f"{folder}/{claim}")
        try:
            first = self._is_only(folder, claim)
            yield lambda: first and time.monotonic() < until
        finally:
            self._client.remove(f"{folder}/{claim}")

    def _is_only(self, folder: str, claim: str) -> bool:
        """Whether nobody else has a claim. Removes those that were left behind."""
        claims = {each.name: each.modified for each in self.list(folder) if each.name.startswith(LOCK)}
        mine = claims.pop(claim, None)
        if mine is None:  # the folder was removed
            return False
        # By the clock of HDFS, which writes both times.
        left_behind = {name for name, made in claims.items() if made < mine - _CLAIM_SECONDS}
        for name in left_behind:
            self._client.remove(f"{folder}/{name}")
        return claims.keys() == left_behind

    def _is_there(self, path: str) -> bool:
        try:
            self._client.status(path)
        except FileNotFoundError:
            return False
        return True


class _Reader(FileSystemHandler):  # type: ignore[misc]
    """Files for Arrow, which only reads them."""

    def __init__(self, client: WebHdfs) -> None:
        self._client = client

    def get_type_name(self) -> str:
        return "webhdfs"

    def normalize_path(self, path: str) -> str:
        return path

    def open_input_file(self, path: str) -> pa.NativeFile:
        size = self._client.status(path).size
        if size <= _WHOLE:
            return pa.BufferReader(self._client.read(path, 0, size))
        return pa.PythonFile(io.BufferedReader(_Content(self._client, path, size), _CHUNK), mode="r")

    open_input_stream = open_input_file

    def get_file_info(self, paths: Sequence[str]) -> list[FileInfo]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> FileInfo:
        try:
            return FileInfo(path, FileType.File, size=self._client.status(path).size)
        except FileNotFoundError:
            return FileInfo(path, FileType.NotFound)

    def _unused(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("the store writes through WebHDFS itself")

    get_file_info_selector: Any = _unused
    create_dir: Any = _unused
    delete_dir: Any = _unused
    delete_dir_contents: Any = _unused
    delete_root_dir_contents: Any = _unused
    delete_file: Any = _unused
    move: Any = _unused
    copy_file: Any = _unused
    open_output_stream: Any = _unused
    open_append_stream: Any = _unused


class _Content(io.RawIOBase):
    """The content of a large file, of which Arrow reads some columns."""

    def __init__(self, client: WebHdfs, path: str, size: int) -> None:
        self._client = client
        self._path = path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        found = self._client.read(self._path, self._at, wanted)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
