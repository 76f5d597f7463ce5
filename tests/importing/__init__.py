"""Tests of bringing people in from other systems."""
