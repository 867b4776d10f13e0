"""`pipectl`: deploys the bundle with `dcos` commands, and verifies that data flows."""

__version__ = "0.1.0"
