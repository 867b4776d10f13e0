"""The package's error hierarchy.

JvmError
├── JavaError  no Java runtime
└── JarError   a jar is not available
"""

from __future__ import annotations


class JvmError(Exception):
    """Base class of the errors of this package."""


class JavaError(JvmError):
    """No Java runtime was found."""


class JarError(JvmError):
    """A jar is missing and cannot be downloaded, differs from the lock file, or is not a jar."""
