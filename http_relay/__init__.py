"""Passes HTTP requests and WebSockets on to a server on this machine."""
