"""The steps of the bundle's components: each compares, applies, waits and removes."""
