"""The trail of security events."""
