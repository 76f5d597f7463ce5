"""Knowledge: password policy, hashing, log-in, change."""
