"""Tokens as answers show them."""

from typing import Literal

from doorward.web.body import Confidential


class PairAnswer(Confidential, kw_only=True):
    """An access token with the refresh token that follows; lifetimes in seconds."""

    token_type: Literal["Bearer"] = "Bearer"
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: str


class AccessAnswer(Confidential, kw_only=True):
    """An access token alone, for a browser application that calls other services."""

    token_type: Literal["Bearer"] = "Bearer"
    access_token: str
    expires_in: int
