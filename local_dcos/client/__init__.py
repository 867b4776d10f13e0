"""A small `dcos` command line client, standard library only."""
