"""The one error of this package."""

from __future__ import annotations


class DeliveryError(Exception):
    """Requested records are not in their topics; the message counts them."""

    exit_code = 1
