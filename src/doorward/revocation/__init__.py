"""What is no longer to be believed: ended sessions, dead tokens, withdrawn keys."""
