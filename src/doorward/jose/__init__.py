"""Signing and verifying: the only place that does either.

Compact JWS (RFC 7515) and JWT (RFC 7519) with the rules of RFC 8725 built in rather than switched on: a key carries
exactly one algorithm, a header has exactly three members, and everything has exactly one accepted spelling. There is
no JWE, no JSON serialisation, no HMAC and no option that relaxes anything. ``docs/explanation/tokens-and-jose.md``
names the attack behind each refusal.
"""
