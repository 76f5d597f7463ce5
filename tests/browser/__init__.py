"""What people do in a browser, with a real one."""
