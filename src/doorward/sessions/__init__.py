"""A signed-in browser or device at this server."""
