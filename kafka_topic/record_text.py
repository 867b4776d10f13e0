"""Bytes of records as JSON can hold them. Imports no client of Kafka."""

from __future__ import annotations

import base64

Text = str | dict[str, str] | None


def as_text(data: bytes | None, *, as_bytes: bool = False) -> Text:
    """The bytes as text, or as `{"base64": …}` if they are not UTF-8 or `as_bytes`; None for none."""
    if data is None:
        return None
    if not as_bytes:
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    return {"base64": base64.b64encode(data).decode()}
