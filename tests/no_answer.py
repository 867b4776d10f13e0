"""What urllib and http.client raise when a server does not answer."""

import http.client

NO_ANSWER = (OSError, http.client.HTTPException)
"""The second one stands for a server that ends in the middle of its answer. It is no OSError."""
