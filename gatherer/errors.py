"""The room's error hierarchy.

GathererError
└── SettingsError     an environment variable is missing or wrong
"""

from __future__ import annotations


class GathererError(Exception):
    """Root of everything that this room raises on purpose."""


class SettingsError(GathererError):
    """An environment variable is missing or has a value that can't be used."""
