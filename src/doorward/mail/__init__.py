"""Mail: written down in the transaction of the act, sent afterwards, in the language of whoever reads it."""
