"""The components of the bundle as steps: each knows what is wanted, what is there, and when it is ready."""
