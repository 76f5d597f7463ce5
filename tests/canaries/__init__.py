"""Tests that what is secret is nowhere where it does not belong."""
