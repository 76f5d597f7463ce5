"""What the tests stand on: databases, and the faults they can have."""
