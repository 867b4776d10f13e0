"""Damage to what a broker has on its disk."""

from __future__ import annotations

import struct
from pathlib import Path

# https://kafka.apache.org/documentation/#recordbatch
_HEADER = struct.Struct(
    ">qiibIh"
)  # base offset, length behind itself, leader's epoch, magic, CRC, attributes
_BEFORE_LENGTH, _BEFORE_CRC, _BEFORE_ATTRIBUTES = 12, 17, 21
_CODEC = 7


def last_batch_with_wrong_checksum(segment: Path) -> None:
    """Flip the last bit of the last batch."""
    with segment.open("r+b") as file:
        _, end = _last_batch(segment)
        file.seek(end - 1)
        last = file.read(1)[0]
        file.seek(end - 1)
        file.write(bytes([last ^ 1]))


def last_batch_of_codec(segment: Path, codec: int) -> None:
    """Let the last batch say that it is compressed by this codec, with a checksum that is right."""
    with segment.open("r+b") as file:
        start, end = _last_batch(segment)
        file.seek(start + _BEFORE_ATTRIBUTES)
        covered = bytearray(file.read(end - start - _BEFORE_ATTRIBUTES))
        (attributes,) = struct.unpack_from(">h", covered)
        struct.pack_into(">h", covered, 0, attributes & ~_CODEC | codec)
        file.seek(start + _BEFORE_CRC)
        file.write(struct.pack(">I", crc32c(covered)) + covered)


def _last_batch(segment: Path) -> tuple[int, int]:
    data = segment.read_bytes()
    start = end = 0
    while end < len(data):
        _, length, _, magic, crc, _ = _HEADER.unpack_from(data, end)
        start, end = end, end + _BEFORE_LENGTH + length
        assert magic == 2 and crc == crc32c(data[start + _BEFORE_ATTRIBUTES : end]), "no batch is here"
    assert end == len(data) > 0
    return start, end


def crc32c(data: bytes | bytearray) -> int:
    """The checksum of RFC 3720."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
