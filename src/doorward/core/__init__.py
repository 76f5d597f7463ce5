"""What everything else stands on: time, chance, names and opaque secrets. Standard library only."""
