"""Who is known here."""
