"""Tests of what is left when something breaks in the middle."""
