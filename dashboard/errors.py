"""What ends or refuses the dashboard's work.

DashboardError
 +- SettingsError    a setting that can't work; exit code 2
 +- FlinkError       the JobManager's REST API did not answer as it should
"""

from __future__ import annotations


class DashboardError(Exception):
    """The root of this room's errors."""


class SettingsError(DashboardError, ValueError):
    """A setting that can't work; the message names the environment variable and its value."""

    exit_code = 2


class FlinkError(DashboardError):
    """The JobManager's REST API did not answer, or not as it should."""
