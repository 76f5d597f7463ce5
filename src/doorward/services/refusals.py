"""What a service is refused with: its part of the tree in :mod:`doorward.errors`, in the words of OAuth."""

from doorward.errors import Problem, Unauthenticated


class InvalidClient(Unauthenticated):
    """A service did not prove who it is: no key, a wrong one, an old one, an unknown service (RFC 6749 §5.2)."""

    code = "invalid_client"
    title = "The service is not authenticated"
    detail = "Send the name and the key of a service as HTTP Basic credentials."


class UnauthorizedClient(Problem):
    """The service is known, and its key was not made for this (RFC 6749 §5.2)."""

    status = 400
    code = "unauthorized_client"
    title = "The service may not do this"
    detail = "The service key does not allow this; see 'doorward service list'."


class UnsupportedTokenType(Problem):
    """What was presented is of a kind that is not revoked here, such as a session cookie (RFC 7009 §2.2.1)."""

    status = 400
    code = "unsupported_token_type"
    title = "Tokens of this kind are not revoked here"
    detail = "Access tokens and refresh tokens can be revoked here."


class ServiceTaken(Problem):
    """There is a service of that name already."""

    status = 409
    code = "service_taken"
    title = "The name is taken"
    detail = "Another service has this name; rotate its key, or choose another name."
