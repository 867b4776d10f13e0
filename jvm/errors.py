"""The room's error hierarchy.

JvmError
├── JavaError  no Java runtime
└── JarError   a jar can't be had
"""

from __future__ import annotations


class JvmError(Exception):
    """Root of everything that this room raises on purpose."""


class JavaError(JvmError):
    """No Java runtime was found."""


class JarError(JvmError):
    """A jar is neither cached nor can be fetched, or is none."""
