"""The room's one error."""


class JarError(Exception):
    """A jar is not locked, cannot be fetched, or is not the one that is expected."""
