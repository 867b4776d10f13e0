"""Origins of requests: a browser names the web site whose page has caused one."""

from __future__ import annotations


def is_foreign(origin: str | None, host: str) -> bool:
    """Whether a request comes from a page of another server than the one that it goes to.

    origin, host: its headers. A browser sends no Origin when somebody follows a link, when a page asks its
    own server, or when any page embeds an image or a script, which it cannot read. `null` is the origin of
    pages that hide theirs.
    """
    return origin is not None and (not host or origin.partition("://")[2].lower() != host.lower())
