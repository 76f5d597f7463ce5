"""What APIs get: access tokens, refresh families, and the keys that sign."""
