"""Forward authentication: what is believed of a proxy, and the real nginx and Caddy."""
