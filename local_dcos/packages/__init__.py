"""The package catalogue: what `dcos package install` knows."""
