"""Where results stay: one small interface, and a store for each kind of place."""
