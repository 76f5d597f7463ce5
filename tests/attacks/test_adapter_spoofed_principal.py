"""Bringing one's own principal to an adapter: what a gateway, a header or another layer says is not believed."""

from typing import Any

import pytest

from doorward.errors import Misconfigured
from doorward.verify import Principal
from doorward.verify.wsgi import PRINCIPAL, Guard, principal_in
from tests.verify.adapters.clients import call_wsgi, environ_of
from tests.verify.adapters.fronts import FRONTS
from tests.verify.parties import NOW, Issuer

PARTY = Issuer()
FORGED = Principal(
    "acc_root", "ses_x", "c", "t", NOW, NOW + 600, NOW, ("pwd",), frozenset(), frozenset({"admin"}), True
)
TOKEN = [(b"authorization", f"Bearer {PARTY.token()}".encode())]


def guarded() -> tuple[Guard, list[dict[str, Any]]]:
    """Put a WSGI guard in front of an application that notes what it gets."""
    environs: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environs.append(environ)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    return Guard(application, PARTY.verifier(), public=["/public"], optional=["/shop"]), environs


@pytest.mark.parametrize("forged", [FORGED, True, "acc_root", {"subject": "acc_root"}])
@pytest.mark.parametrize("path", ["/public", "/shop"])
def test_what_stood_in_the_environ_is_gone(path: str, forged: object) -> None:
    """A guest stays a guest, whatever an outer layer has written."""
    guard, environs = guarded()

    call_wsgi(guard, environ_of("GET", path, []) | {PRINCIPAL: forged})

    assert principal_in(environs[0]) is None


def test_what_stood_in_the_environ_opens_nothing() -> None:
    """A protected path asks the authenticator and nobody else."""
    guard, environs = guarded()

    answered = call_wsgi(guard, environ_of("GET", "/me", []) | {PRINCIPAL: FORGED, "REMOTE_USER": "root"})

    assert (answered.status, environs) == (401, [])


@pytest.mark.parametrize("headers", [[], TOKEN])
@pytest.mark.parametrize("name", ["REMOTE_USER", "AUTH_TYPE", "REMOTE_IDENT"])
def test_another_authentications_word_goes_no_further(name: str, headers: Any) -> None:
    """RFC 3875: an application that reads REMOTE_USER must not find somebody whom this guard has not verified."""
    guard, environs = guarded()

    call_wsgi(guard, environ_of("GET", "/shop", headers) | {name: "root"})

    assert name not in environs[0]


def test_no_header_can_be_spelled_like_our_variables() -> None:
    """Every header's variable begins with ``HTTP_``, and none of ours does."""
    guard, environs = guarded()
    spelled = [b"doorward.principal", b"DOORWARD_PRINCIPAL", b"remote_user", b"Remote-User", b"authorization_"]

    call_wsgi(guard, environ_of("GET", "/shop", [(name, b"acc_root") for name in spelled]))

    assert principal_in(environs[0]) is None
    assert "REMOTE_USER" not in environs[0]


def test_the_body_is_left_to_the_application() -> None:
    """The guard reads nothing of ``wsgi.input``."""
    import io

    guard, _ = guarded()

    answered = call_wsgi(guard, environ_of("POST", "/me", TOKEN) | {"wsgi.input": io.BytesIO(b"all of it")})

    assert answered.body == b"all of it"


def test_an_error_of_the_application_is_its_own() -> None:
    """The guard turns no exception of the application into an answer."""

    def broken(environ: Any, start_response: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        call_wsgi(Guard(broken, PARTY.verifier(), public=["/"]), environ_of("GET", "/", []))


def test_asking_without_a_guard_is_a_defect() -> None:
    """A missing guard must not look like a guest; what is no principal is nobody."""
    with pytest.raises(Misconfigured, match="No Guard"):
        principal_in({})
    assert principal_in({PRINCIPAL: "acc_root"}) is None


def test_a_browser_is_sent_to_the_log_in_page_and_comes_back() -> None:
    """As with the other guards, below a mount point too."""
    guard = Guard(lambda environ, start_response: [], PARTY.verifier(), login_url="/login")
    environ = environ_of("GET", "/me?a=1", [(b"accept", b"text/html")], script_name="/app")

    answered = call_wsgi(guard, environ)

    assert (answered.status, answered.headers["location"]) == (302, "/login?return_to=/app/me%3Fa%3D1")


@pytest.mark.parametrize("name", FRONTS)
def test_no_client_names_itself_in_any_framework(name: str) -> None:
    """With the headers that gateways use for it."""
    spoofs = [b"x-auth-subject", b"x-remote-user", b"remote-user", b"x-forwarded-user", b"doorward-principal"]

    with FRONTS[name](PARTY.verifier()) as client:
        answered = client("GET", "/shop/page", [(spoof, b"acc_root") for spoof in spoofs])

    assert (answered.status, answered.body) == (200, b"guest")
