"""How often somebody may try, and who is known well enough to try in spite of an attack."""
