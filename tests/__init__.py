"""The suite: one, run on both engines."""
