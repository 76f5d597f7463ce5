"""JOSE, as little of it as tokens need: typed keys, compact JWS, JWT. Pure; ``cryptography`` does the mathematics."""
