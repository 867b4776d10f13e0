"""The one error of this package."""

from __future__ import annotations


class SettingsError(ValueError):
    """A setting is missing or has a value that can't work.

    The message names the variable, says what is wrong with its value, and what to do.
    """

    exit_code = 2
