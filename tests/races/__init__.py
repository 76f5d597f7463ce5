"""Tests of what happens when several processes do the same thing at the same moment."""
