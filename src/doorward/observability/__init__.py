"""What can be seen of a running instance: figures, the request that a log line belongs to, traces."""
