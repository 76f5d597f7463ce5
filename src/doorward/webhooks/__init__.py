"""Telling other programs what has happened: signed, again and again until they have it."""
