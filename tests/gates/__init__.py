"""Tests of the gates of a host."""
