"""The package's error hierarchy.

SparkJobsError
├── MissingError     Spark is not installed, or does not start
├── SourceError      a topic or a flow is missing, or cannot be read
└── CheckpointError  a stream's checkpoint does not match its store
"""

from __future__ import annotations


class SparkJobsError(Exception):
    """Base class of the errors of this package."""


class MissingError(SparkJobsError):
    """Spark is not installed, or does not start."""


class SourceError(SparkJobsError):
    """A topic or a flow is missing, or cannot be read."""


class CheckpointError(SparkJobsError):
    """A stream cannot continue, because its checkpoint does not match what the store holds."""
