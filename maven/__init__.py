"""Jars from Maven Central, each checked by its SHA-256 before it is used."""

from maven.errors import JarError
from maven.lock import JarLock

__all__ = ("JarError", "JarLock")
