"""Token Status Lists (draft-ietf-oauth-status-list): a standard way to ask whether a token still counts, by setting."""
