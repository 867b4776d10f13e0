"""What ends or refuses the dashboard's work.

DashboardError
 +- SettingsError    a setting that can't work; exit code 2
"""

from __future__ import annotations


class DashboardError(Exception):
    """The root of this room's errors."""


class SettingsError(DashboardError, ValueError):
    """A setting that can't work; the message names the environment variable and its value."""

    exit_code = 2
