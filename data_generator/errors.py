"""What ends the generator early.

GeneratorError
 +- SettingsError     a setting that can't work; exit code 2
 +- DeliveryError     ticks that were asked for are not in their topics; exit code 1
"""

from __future__ import annotations


class GeneratorError(Exception):
    """The root of this room's errors."""

    exit_code = 1


class SettingsError(GeneratorError, ValueError):
    """A setting that can't work; the message names it and its value."""

    exit_code = 2


class DeliveryError(GeneratorError):
    """Ticks that were asked for are not in their topics; the message counts them."""
