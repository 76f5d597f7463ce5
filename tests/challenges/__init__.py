"""What somebody must do before a suspicious try."""
