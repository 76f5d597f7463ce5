"""The tests of ``doorward.db``: one suite for both engines."""
