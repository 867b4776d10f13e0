"""`pipectl`: deploys the bundle by running `dcos` commands, and proves that data flows."""

__version__ = "0.1.0"
