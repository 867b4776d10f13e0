"""The answers of Kafka's protocol that name brokers, with other names in them.

The formats are those of https://kafka.apache.org/protocol. Only what comes before and among the addresses is
read; the rest of an answer is passed on as it is.
"""

import struct
from collections.abc import Callable

Rename = Callable[[str, int], tuple[str, int]]
"""The address to use instead of a broker's host and port."""

PRODUCE, FETCH, METADATA, FIND_COORDINATOR, API_VERSIONS, DESCRIBE_CLUSTER = 0, 1, 3, 10, 18, 60
SHARE_FETCH, SHARE_ACKNOWLEDGE = 78, 79
NAMES_BROKERS = frozenset({METADATA, FIND_COORDINATOR, API_VERSIONS, DESCRIBE_CLUSTER})
"""The requests whose answers have to be read."""

# From the next version on, answers of Produce and Fetch may name a new leader's address (KIP-951), deep in
# themselves. The others are the newest versions whose format is known here.
_NEWEST = {PRODUCE: 9, FETCH: 15, METADATA: 13, FIND_COORDINATOR: 6, DESCRIBE_CLUSTER: 2}
# Share groups name leaders in every version. Without them, clients use other groups.
_LEFT_OUT = frozenset({SHARE_FETCH, SHARE_ACKNOWLEDGE})
_UNSUPPORTED_VERSION = 35


def renamed(api: int, version: int, body: bytes, rename: Rename) -> bytes:
    """An answer without its correlation id, with the addresses of brokers renamed.

    Raises ValueError if it is not in the format of that version.
    """
    reader = _Reader(body)
    try:
        {
            API_VERSIONS: _api_versions,
            METADATA: _metadata,
            FIND_COORDINATOR: _find_coordinator,
            DESCRIBE_CLUSTER: _describe_cluster,
        }[api](reader, version, rename)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(
            f"an answer of Kafka (request {api}, version {version}) is damaged: {error}"
        ) from None
    return reader.result()


class _Reader:
    """Reads values in order, and keeps what was read, or what is put in its place."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._written = bytearray()

    def result(self) -> bytes:
        """Everything so far, and the rest as it is."""
        return bytes(self._written) + self._body[self._at :]

    def raw(self, length: int) -> bytes:
        """Bytes that stay."""
        taken = self._take(length)
        self._written += taken
        return taken

    def integer(self, form: str) -> int:
        """An integer that stays, by its format in `struct`."""
        (value,) = struct.unpack(f">{form}", self.raw(struct.calcsize(form)))
        return int(value)

    def length(self, *, compact: bool) -> int:
        """The length of an array, which stays; -1 for none."""
        if not compact:
            return self.integer("i")
        value = self._varint()
        self._written += _varint(value)
        return value - 1

    def text(self, *, compact: bool) -> None:
        """A string or null that stays."""
        self._put_text(self._take_text(compact=compact), compact=compact)

    def tags(self, *, compact: bool) -> None:
        """Tagged fields, which only flexible versions have. They stay."""
        if not compact:
            return
        count = self._varint()
        self._written += _varint(count)
        for _ in range(count):
            self._written += _varint(self._varint())  # its number
            size = self._varint()
            self._written += _varint(size)
            self.raw(size)

    def address(self, rename: Rename, *, compact: bool) -> None:
        """Host and port, renamed. A coordinator that is not known has the port -1 and stays."""
        host = self._take_text(compact=compact)
        (port,) = struct.unpack(">i", self._take(4))
        if host and port >= 0:
            host, port = rename(host, port)
        self._put_text(host, compact=compact)
        self._written += struct.pack(">i", port)

    def drop(self, length: int) -> None:
        """Take back what was written last."""
        del self._written[len(self._written) - length :]

    def replace(self, at: int, length: int, content: bytes) -> None:
        """Replace what was written at a position."""
        self._written[at : at + length] = content

    @property
    def written(self) -> int:
        """How many bytes are written."""
        return len(self._written)

    def _take(self, length: int) -> bytes:
        if length < 0 or self._at + length > len(self._body):
            raise IndexError(f"{length} bytes at {self._at} of {len(self._body)}")
        taken = self._body[self._at : self._at + length]
        self._at += length
        return taken

    def _varint(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self._take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _take_text(self, *, compact: bool) -> str | None:
        length = self._varint() - 1 if compact else struct.unpack(">h", self._take(2))[0]
        return None if length < 0 else self._take(length).decode()

    def _put_text(self, text: str | None, *, compact: bool) -> None:
        content = b"" if text is None else text.encode()
        length = -1 if text is None else len(content)
        self._written += _varint(length + 1) if compact else struct.pack(">h", length)
        self._written += content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _api_versions(reader: _Reader, version: int, rename: Rename) -> None:
    """Offer no newer versions than those that are known here."""
    error = reader.integer("h")
    # A broker that does not know the version answers in the oldest one.
    compact = version >= 3 and error != _UNSUPPORTED_VERSION
    start = reader.written
    count = reader.length(compact=compact)
    size, kept = reader.written - start, 0
    for _ in range(count):
        begin = reader.written
        api = reader.integer("h")
        reader.integer("h")
        newest = reader.integer("h")
        reader.tags(compact=compact)
        if api in _LEFT_OUT:
            reader.drop(reader.written - begin)
            continue
        kept += 1
        if newest > _NEWEST.get(api, newest):
            reader.replace(begin + 4, 2, struct.pack(">h", _NEWEST[api]))
    reader.replace(start, size, _varint(kept + 1) if compact else struct.pack(">i", kept))


def _metadata(reader: _Reader, version: int, rename: Rename) -> None:
    compact = version >= 9
    reader.tags(compact=compact)  # of the header
    if version >= 3:
        reader.integer("i")  # how long to wait
    _brokers(reader, rename, compact=compact, rack=version >= 1)


def _find_coordinator(reader: _Reader, version: int, rename: Rename) -> None:
    compact = version >= 3
    reader.tags(compact=compact)
    if version >= 1:
        reader.integer("i")
    if version < 4:
        reader.integer("h")  # error
        if version >= 1:
            reader.text(compact=compact)
        reader.integer("i")  # node
        reader.address(rename, compact=compact)
        return
    for _ in range(reader.length(compact=compact)):
        reader.text(compact=compact)  # group
        reader.integer("i")
        reader.address(rename, compact=compact)
        reader.integer("h")
        reader.text(compact=compact)
        reader.tags(compact=compact)


def _describe_cluster(reader: _Reader, version: int, rename: Rename) -> None:
    reader.tags(compact=True)
    reader.integer("i")
    reader.integer("h")
    reader.text(compact=True)  # error
    if version >= 1:
        reader.integer("b")  # kind of the nodes
    reader.text(compact=True)  # id of the cluster
    reader.integer("i")  # controller
    _brokers(reader, rename, compact=True, rack=True, fenced=version >= 2)


def _brokers(reader: _Reader, rename: Rename, *, compact: bool, rack: bool, fenced: bool = False) -> None:
    for _ in range(reader.length(compact=compact)):
        reader.integer("i")  # node
        reader.address(rename, compact=compact)
        if rack:
            reader.text(compact=compact)
        if fenced:
            reader.integer("b")
        reader.tags(compact=compact)
