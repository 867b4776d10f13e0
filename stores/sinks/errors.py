"""The errors of sinks.

SinkError
├── SourceError       topics cannot be read, or the group has lost its offsets
└── DeliveryError     the target refuses records, or does not answer for too long
"""

from __future__ import annotations


class SinkError(Exception):
    """Base class. Nothing is lost: the next run continues at the last committed offset."""


class SourceError(SinkError):
    """Topics cannot be read, or the group has lost its offsets."""


class DeliveryError(SinkError):
    """The target refuses records, or does not answer for too long."""
