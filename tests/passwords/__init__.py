"""Passwords: formats, hashing, the pool, policy."""
