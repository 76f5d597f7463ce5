"""Service keys, introspection and revocation."""
