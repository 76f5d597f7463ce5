"""Tests of figures, log lines and traces."""
