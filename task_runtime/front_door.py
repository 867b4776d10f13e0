"""The front door of a cluster, which signs users in and passes their requests to a task."""

from __future__ import annotations

import hmac

PROXY_HEADER = "X-Proxy-Secret"
"""Holds a secret that only the cluster's front door and this task know."""

PROXY_USER_HEADER = "X-Proxy-User"
"""Names the user who has signed in, if the login has named one. Believe it only beside that secret."""


def came_through_front_door(given: str | None, secret: str) -> bool:
    """Whether a request has the secret of the front door. given: the value of its PROXY_HEADER, if any."""
    return hmac.compare_digest((given or "").encode("utf-8", "surrogatepass"), secret.encode())
