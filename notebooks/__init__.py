"""Notebooks on the bundle's data, and the server that shows them."""
