"""Service keys: which services may ask about tokens and end them, and how they prove who they are."""
