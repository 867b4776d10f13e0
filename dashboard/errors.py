"""The one error of this package."""

from __future__ import annotations


class FlinkError(Exception):
    """The JobManager's REST API did not answer, or not as it should."""
