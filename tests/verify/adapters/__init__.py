"""Every adapter, with its real framework."""
