"""Tests of the trail of security events and of its chain."""
