"""Moving people in from other systems, with the passwords they have."""
