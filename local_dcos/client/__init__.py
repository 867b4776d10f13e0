"""A small `dcos` command line client. It uses the standard library only."""
