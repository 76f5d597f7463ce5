"""One-time secrets that prove control of an address."""
