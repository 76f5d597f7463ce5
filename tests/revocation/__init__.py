"""Revocation at the server: what is recorded, and the feed that tells of it."""
