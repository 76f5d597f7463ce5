"""Tests of what may be sent: whatever it is, it is answered with a 4xx, quickly, and without a word too many."""
