"""WebHDFS, the HTTP API of HDFS: https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html.

A name node answers about names. It redirects reads and writes of content to a data node.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from stores.errors import AddressError, AwayError, BrokenError, UnreachableError
from stores.file_system import Entry
from stores.patience import PATIENCE_SECONDS, Patience

FORM = "hdfs:HOST:PORT/FOLDER"
USER = "pipectl"
"""Who owns the files."""
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_ADDRESS = re.compile(
    r"(?P<hosts>[A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*):(?P<port>[0-9]{1,5})(?P<folder>(/[A-Za-z0-9_][A-Za-z0-9._-]*)+)"
)
HEADER = "X-XSRF-HEADER"
"""The header for which WebHDFS asks by default, where it asks for any."""
HEADER_VARIABLE = "HDFS_HEADER"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,128}")
_CSRF = "Missing Required Header for CSRF"
_STANDBY = "StandbyException"
# An IOException of a name node says, for example, that no data node has reported yet.
_PASSING = {_STANDBY, "SafeModeException", "RetriableException", "IOException", "LeaseExpiredException"}
_MISSING = "FileNotFoundException"
_REFUSED = {"AccessControlException", "SecurityException"}
# It would log every request; a batch takes a dozen.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Address:
    """Where a store is. hosts: the name nodes, of which one is active. port: of their HTTP API. header: the
    name of a header that all requests have.
    """

    hosts: tuple[str, ...]
    port: int
    folder: str
    header: str = field(default=HEADER, repr=False)


def address_of(text: str, environ: Mapping[str, str] = os.environ) -> Address:
    """The address in "HOST,HOST:PORT/FOLDER".

    HDFS_HEADER is the name of the header that WebHDFS requires (dfs.webhdfs.rest-csrf.custom-header). Raises
    AddressError.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise AddressError(
            f"store hdfs:{text}: use {FORM}, with the port of the name node's HTTP API; names in the folder "
            "have letters, digits, '.', '_' and '-'"
        )
    header = environ.get(HEADER_VARIABLE, "").strip() or HEADER
    if not _HEADER.fullmatch(header):
        raise AddressError(f"{HEADER_VARIABLE} must be the name of a header: letters, digits and '-'")
    return Address(tuple(found["hosts"].split(",")), int(found["port"]), found["folder"], header)


class WebHdfs:
    """The files below the folder of `address`, by paths relative to it. Threads may share it.

    Changes are repeated for `patience` seconds while HDFS is not available, reads for `reading` seconds; by
    default, they are asked of each name node once. Methods raise FileNotFoundError, UnreachableError and
    BrokenError.
    """

    def __init__(self, address: Address, patience: float = PATIENCE_SECONDS, *, reading: float = 0.0) -> None:
        self._address = address
        self._where = f"HDFS at {','.join(address.hosts)}:{address.port}"
        self._patience = Patience(self._where, patience)
        self._reading = reading
        self._hosts = list(address.hosts)
        # The nodes are in the cluster's own network. A browser cannot send this header to another site.
        self._client = httpx.Client(
            timeout=_TIMEOUT, trust_env=False, follow_redirects=False, headers={address.header: USER}
        )

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._patience.problem

    def where(self, path: str) -> str:
        """The URI of a path, with the first name node."""
        return f"webhdfs://{self._hosts[0]}:{self._address.port}{self._full(path)}"

    def locations(self, paths: Sequence[str]) -> Sequence[str]:
        """The URIs of paths for Hadoop's programs, at the port for them of the active name node.

        Not `webhdfs:`: Spark's package of Hadoop lacks a class that its client of the HTTP API needs.
        """
        if not paths:
            return []
        self.status("")  # finds the active name node
        address = f"{self._hosts[0]}:{self._address.port}"
        query = {"qry": "Hadoop:service=NameNode,name=NameNodeStatus"}
        try:
            answer = self._client.get(f"http://{address}/jmx", params=query)
            node = answer.raise_for_status().json()["beans"][0]["HostAndPort"]
        except (httpx.HTTPError, ValueError, LookupError) as error:
            raise UnreachableError(f"HDFS at {address} does not say its port for clients: {error}") from error
        return [f"hdfs://{node}{self._full(path)}" for path in paths]

    def list(self, folder: str) -> list[Entry]:
        """What is in a folder, by name."""
        return _entries(self._ask("GET", folder, "LISTSTATUS"))

    def status(self, path: str) -> Entry:
        """A file or folder. A folder has no size."""
        return _entry(self._ask("GET", path, "GETFILESTATUS").json()["FileStatus"])

    def make(self, folder: str) -> None:
        """Make a folder and those above it, unless they are there."""
        self._ask("PUT", folder, "MKDIRS", permission="750")

    def upload(self, path: str, source: Path) -> None:
        """Make a file of the content of a local one, also in place of another file."""
        self._ask("PUT", path, "CREATE", source=source, overwrite="true", permission="640")

    def create(self, path: str) -> None:
        """Make an empty file, also in place of another file."""
        self._ask("PUT", path, "CREATE", overwrite="true", permission="640")

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Bytes of a file; fewer at its end."""
        return self._ask("GET", path, "OPEN", offset=offset, length=length).content

    def rename(self, path: str, to: str) -> bool:
        """Give a file another name at once. Returns False if a file has that name, or `path` is not there."""
        answer = self._ask("PUT", path, "RENAME", destination=self._full(to))
        return bool(answer.json()["boolean"])

    def remove(self, path: str) -> None:
        """Remove a file, unless that has happened."""
        self._ask("DELETE", path, "DELETE")

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _full(self, path: str) -> str:
        return f"{self._address.folder}/{path}" if path else self._address.folder

    def _ask(
        self, method: str, path: str, operation: str, source: Path | None = None, **parameters: Any
    ) -> httpx.Response:
        """Ask the name nodes, and again while none can answer."""
        url = f"/webhdfs/v1{quote(self._full(path))}"
        query = {"op": operation, "user.name": USER, **parameters}

        def ask() -> httpx.Response:
            said = ""
            for host in list(self._hosts):
                try:
                    answer = self._send(method, f"http://{host}:{self._address.port}{url}", query, source)
                except httpx.HTTPError as error:
                    said = said or f"{type(error).__name__}: {error}"
                    continue
                if answer.status_code < 400:
                    self._prefer(host)
                    return answer
                exception, message = _said(answer)
                if exception not in _PASSING and answer.status_code < 500:
                    raise self._error(path, operation, exception, message)
                if exception != _STANDBY:
                    said = f"{exception}: {message}"
            raise AwayError(
                f"{self._where} does not answer for {self._full(path)}: {said or 'all are standby'}; "
                "check hdfs.host and hdfs.port, and that a data node is there"
            )

        return self._patience.repeat(ask, self._reading if method == "GET" else None)

    def _send(self, method: str, url: str, query: dict[str, Any], source: Path | None) -> httpx.Response:
        """One request. Content comes from a data node, or goes to one."""
        answer = self._client.request(method, url, params=query)
        if not answer.is_redirect:
            return answer
        location = answer.headers["location"]
        if source is None:
            return self._client.request(method, location)
        with source.open("rb") as content:
            return self._client.request(method, location, content=content)

    def _prefer(self, host: str) -> None:
        """Ask the name node first that answered last."""
        if host != self._hosts[0]:
            self._hosts.sort(key=lambda each: each != host)

    def _error(self, path: str, operation: str, exception: str, message: str) -> Exception:
        full, where = self._full(path), f"HDFS at {self._hosts[0]}:{self._address.port}"
        if exception == _MISSING:
            return FileNotFoundError(f"{where} has no {full}")
        if exception == "FileAlreadyExistsException":
            return FileExistsError(f"{where} has a {full}")
        if exception in _REFUSED:
            folder = self._address.folder
            return UnreachableError(
                f"{where} refuses {operation} of {full}: {message}; let the user {USER} own the folder: "
                f"hdfs dfs -mkdir -p {folder} && hdfs dfs -chown {USER} {folder}"
            )
        if message.startswith(_CSRF):
            return UnreachableError(
                f"{where} refuses requests without a header whose name is a secret: {HEADER_VARIABLE} is not "
                "that name; put it there, or the path of its secret into hdfs.header"
            )
        if exception == "HTTP 401":
            return UnreachableError(f"{where} asks for Kerberos, which this store does not have")
        return BrokenError(f"{where}, {operation} of {full}: {exception}: {message}")


def _said(answer: httpx.Response) -> tuple[str, str]:
    """The exception in an answer, and the first line of its message."""
    try:
        found = answer.json()["RemoteException"]
        return str(found["exception"]), str(found["message"]).partition("\n")[0]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}", answer.reason_phrase


def _entries(answer: httpx.Response) -> list[Entry]:
    found = map(_entry, answer.json()["FileStatuses"]["FileStatus"])
    return sorted(found, key=lambda entry: entry.name)


def _entry(status: dict[str, Any]) -> Entry:
    return Entry(status["pathSuffix"], status["length"], status["modificationTime"] / 1000)
