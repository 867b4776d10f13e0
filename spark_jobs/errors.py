"""The room's error hierarchy.

SparkJobsError
├── MissingError     Spark is not installed
├── SourceError      what is to be read is not there, or can't be read
└── CheckpointError  a stream's checkpoint and its store do not belong together
"""

from __future__ import annotations


class SparkJobsError(Exception):
    """Root of everything that this room raises on purpose."""


class MissingError(SparkJobsError):
    """Spark is not installed."""


class SourceError(SparkJobsError):
    """A topic or a flow is not there, or can't be read."""


class CheckpointError(SparkJobsError):
    """A stream can't go on: its checkpoint and what it wrote do not belong together."""
