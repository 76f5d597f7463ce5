"""What somebody must do before a try that looks suspicious: compute, wait, or what the host asks for."""
