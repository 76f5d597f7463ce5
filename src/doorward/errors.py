"""Everything doorward raises, in one tree.

    DoorwardError
    ├── Misconfigured            the start is refused; carries every Finding at once
    ├── InvalidToken             a token did not convince the verifier; ``why`` is for logs only
    │   └── UnknownKey           no key of the issuer has that id; fetched keys may be refreshed, within limits
    └── Problem                  what an HTTP caller may be told (RFC 9457)
        ├── MalformedRequest     400 malformed_request
        ├── InvalidRequest       400 invalid_request (RFC 6750 §3.1) · UnauthorizedClient, UnsupportedTokenType 400
        ├── HttpsRequired        400 https_required (from the plain HTTP listener)
        ├── Unauthenticated      401, with WWW-Authenticate behind a bearer token
        │   ├── InvalidCredentials, TokenRefused, GrantRefused, SessionEnded, InvalidClient
        │   └── ReauthenticationRequired
        ├── Forbidden            403
        │   └── AccountDisabled, EmailNotVerified, RegistrationClosed, InsufficientScope, CrossSiteRequest,
        │       ProxyRequired
        ├── NotFound 404 · MethodNotAllowed 405 · LoginTaken, ServiceTaken 409 · BodyTooLarge 413
        ├── UnsupportedMediaType 415 · InvalidFields 422 (one entry a field) · TooManyAttempts 429 · Internal 500
        └── Unavailable          503
            └── Overloaded, StorageUnavailable, KeysUnavailable, StatusUnavailable

Slices add ``ChallengeInvalid`` (400, ``verification``) and ``MailUnavailable`` (403, ``mail``) beside their models.
A :class:`Problem` has a public ``code``, ``title`` and ``detail``, and a private ``why`` that only logs see. Nothing
here knows HTTP beyond a number: ``verify/answers.py`` turns a problem into an answer. Standard library only, because
services that verify tokens import it without the server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

CODES: "dict[str, type[Problem]]" = {}
"""Every public code with the class that carries it; the documentation and its test are made from it."""


class DoorwardError(Exception):
    """The root of everything doorward raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a configuration, and what mends it."""

    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what} Fix: {self.fix}"


class Misconfigured(DoorwardError):  # noqa: N818 - reads as what has happened
    """The configuration is unsafe or impossible; the start is refused with every finding at once."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class InvalidToken(DoorwardError):  # noqa: N818 - the name promised by http-api
    """A token is not to be believed. The public word is always ``invalid_token``; ``why``, a short fixed phrase that
    never contains the token (joserfc CVE-2025-65015), never leaves the logs."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__("invalid_token")


class UnknownKey(InvalidToken):
    """The token names a key that is not in the set, by the sender's text, which is not kept."""

    def __init__(self) -> None:
        super().__init__("key")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one member of a request body; ``pointer`` is a JSON pointer (RFC 6901)."""

    pointer: str
    code: str
    detail: str


class Problem(DoorwardError):  # noqa: N818 - RFC 9457's own word
    """A refusal that the caller may see: stable ``code``, fixed ``title``, public ``detail``, private ``why``."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"
    detail: str = "The request could not be completed."

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            CODES[cls.code] = cls

    def __init__(
        self,
        why: str = "",
        *,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        """``why`` is private; ``retry_after`` is in seconds; ``members`` are public extension members."""
        self.why = why
        self.detail = type(self).detail if detail is None else detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.members = dict(members or {})
        super().__init__(self.code)


class MalformedRequest(Problem):
    """The request cannot be read: not JSON, not an object, a member twice, a NUL or a lone surrogate."""

    status = 400
    code = "malformed_request"
    title = "The request cannot be read"
    detail = "The body must be one JSON object in UTF-8 without duplicate members."


class InvalidRequest(Problem):
    """More than one credential was sent, or one of them cannot be parsed (RFC 6750 §3.1)."""

    status = 400
    code = "invalid_request"
    title = "The request is ambiguous"
    detail = "Send exactly one credential: either one Authorization header or the session cookie."


class HttpsRequired(Problem):
    """Said by the plain HTTP listener, which never takes a credential (ASVS 4.1.2)."""

    code = "https_required"
    status = 400
    title = "HTTPS is required"
    detail = "This address is only served over HTTPS."


class Unauthenticated(Problem):
    """The caller is not who it must be. Grouped for ``except``; it has no code of its own."""

    status = 401


class InvalidCredentials(Unauthenticated):
    """Login and password do not belong together; whether the account exists is not said."""

    code = "invalid_credentials"
    title = "Login or password is wrong"
    detail = "The login or the password is not right."


class TokenRefused(Unauthenticated):
    """The access token is missing, malformed, expired, revoked or meant for somebody else (RFC 6750 §3.1)."""

    code = "invalid_token"
    title = "The access token is not valid"
    detail = "Send a valid access token as 'Authorization: Bearer'."


class GrantRefused(Unauthenticated):
    """The refresh token is forged, expired, revoked, used or unknown: one answer for all."""

    code = "invalid_grant"
    title = "The refresh token is not valid"
    detail = "Log in again."


class SessionEnded(Unauthenticated):
    """The session behind a cookie is over."""

    code = "session_ended"
    title = "The session has ended"
    detail = "Log in again."


class ReauthenticationRequired(Unauthenticated):
    """The act needs a recent log-in; ``max_age`` says how recent, in seconds."""

    code = "reauthentication_required"
    title = "A fresh log-in is required"
    detail = "Confirm the password at /v1/reauthenticate and try again."


class Forbidden(Problem):
    """The caller is known and may not. Grouped for ``except``; it has no code of its own."""

    status = 403


class AccountDisabled(Forbidden):
    """Said only after a correct password."""

    code = "account_disabled"
    title = "The account is disabled"
    detail = "Ask the operator of this service."


class EmailNotVerified(Forbidden):
    """Said only after a correct password."""

    code = "email_not_verified"
    title = "The e-mail address is not verified"
    detail = "Open the mail that was sent at registration, or ask for another."


class InsufficientScope(Forbidden):
    """The token is valid and does not carry the scope or the role (RFC 6750 §3.1)."""

    code = "insufficient_scope"
    title = "The token does not allow this"
    detail = "The token lacks a scope or a role that this needs."


class RegistrationClosed(Forbidden):
    """Accounts are made by an operator here (``accounts.registration``)."""

    code = "registration_closed"
    title = "Registration is closed"
    detail = "Ask the operator of this service for an account."


class CrossSiteRequest(Forbidden):
    """A cookie came with an unsafe method from another site, or from nobody knows where."""

    code = "cross_site_request"
    title = "The request comes from another site"
    detail = "Requests that carry the session cookie must come from this origin."


class ProxyRequired(Forbidden):
    """Behind a proxy, only the listed proxies are answered (``serving.trusted_proxies``)."""

    code = "proxy_required"
    title = "This server is behind a proxy"
    detail = "Requests are only taken from the proxy in front of this server."


class NotFound(Problem):
    """There is nothing at this path, or nothing that this caller may know of."""

    status = 404
    code = "not_found"
    title = "There is nothing here"
    detail = "Nothing was found at this address."


class MethodNotAllowed(Problem):
    """The path exists and does not know the method; ``Allow`` lists those it knows (RFC 9110 §15.5.6)."""

    status = 405
    code = "method_not_allowed"
    title = "The method is not allowed"
    detail = "See the Allow header."


class LoginTaken(Problem):
    """The e-mail address or the username belongs to another account."""

    status = 409
    code = "login_taken"
    title = "The login is taken"
    detail = "Another account uses this e-mail address or username."


class BodyTooLarge(Problem):
    """The body is longer than 64 KiB."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"
    detail = "A request body may have at most 64 KiB."


class UnsupportedMediaType(Problem):
    """The body is not declared as ``application/json`` (CVE-2021-32677: JSON read without its type is CSRF)."""

    status = 415
    code = "unsupported_media_type"
    title = "The content type is not supported"
    detail = "Send 'Content-Type: application/json'."


class InvalidFields(Problem):
    """One or more members are wrong; ``errors`` has an entry for each."""

    status = 422
    code = "invalid_fields"
    title = "Some fields are not valid"
    detail = "See 'errors' for each field."


class TooManyAttempts(Problem):
    """Tried too often; ``Retry-After`` says when to come back, a member ``challenge`` how to come back sooner."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    detail = "Wait for the time in the Retry-After header, or answer the challenge if there is one."


class Internal(Problem):
    """A defect of ours, or of the host. The reason is in the log under the request id."""

    status = 500
    code = "internal_error"
    title = "Something went wrong"
    detail = "The request could not be completed; the request id helps the operator to find out why."


class Unavailable(Problem):
    """Come back later. Grouped for ``except``; it has no code of its own."""

    status = 503


class Overloaded(Unavailable):
    """The queue for password hashing is full."""

    code = "overloaded"
    title = "The server is busy"
    detail = "Wait for the time in the Retry-After header."


class StorageUnavailable(Unavailable):
    """The database did not answer. Nothing was changed, or it is not known; nothing was issued."""

    code = "storage_unavailable"
    title = "The storage is unavailable"
    detail = "Wait for the time in the Retry-After header."


class KeysUnavailable(Unavailable):
    """A service behind has no keys of the issuer yet, or none that are still good; no token can be judged."""

    code = "keys_unavailable"
    title = "The keys of the issuer are unavailable"
    detail = "The service cannot reach its authentication server. Try again in a moment."
