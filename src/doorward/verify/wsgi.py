"""The guard in front of a WSGI application (PEP 3333): the twin of :class:`doorward.verify.Guard`.

It decides on ``PATH_INFO`` as the framework behind it will match it, never on a variable that only repeats a header.
The verified caller stands in the environ under :data:`PRINCIPAL`, where no header can put anything: the names of
headers begin with ``HTTP_``. ``wsgi.input`` is not touched.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from doorward.errors import Finding, Misconfigured
from doorward.verify.answers import DEFAULT_REALM, Answer
from doorward.verify.door import Asked, BlockingAuthenticator, Door, caller_in
from doorward.verify.headers import separated
from doorward.verify.model import Principal

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

PRINCIPAL: Final = "doorward.principal"
ACCESS: Final = "doorward.access"
DOOR: Final = "doorward.door"
"""Where in the environ stand the caller (``None`` for a guest), what the path needed, and who has decided it."""

_OTHERS_WORD: Final = ("REMOTE_USER", "REMOTE_IDENT", "AUTH_TYPE")
"""RFC 3875 section 4.1: what another authentication has said. Two truths in one environ is one too many."""

_ASKED_FOR: Final = {
    "HTTP_ACCEPT": b"accept",
    "HTTP_SEC_FETCH_MODE": b"sec-fetch-mode",
    "HTTP_SEC_FETCH_DEST": b"sec-fetch-dest",
}


class Guard:
    """WSGI middleware that protects by path; the rules are those of :class:`doorward.verify.Guard`."""

    def __init__(
        self,
        app: Application,
        authenticator: BlockingAuthenticator,
        *,
        protected: Iterable[str] = (),
        public: Iterable[str] = (),
        optional: Iterable[str] = (),
        login_url: str | None = None,
        realm: str = DEFAULT_REALM,
    ) -> None:
        """Wrap ``app``. ``login_url`` is where browsers that ask for a page are sent; without it they get a 401 too.

        Raises :class:`~doorward.errors.Misconfigured` for rules, a log-in URL or a realm that cannot be used.
        """
        self._app = app
        self._authenticator = authenticator
        self._door = Door(
            authenticator, protected=protected, public=public, optional=optional, login_url=login_url, realm=realm
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Let the request through with its principal in the environ, or answer it."""
        for name in _OTHERS_WORD:
            environ.pop(name, None)
        environ[PRINCIPAL] = None
        environ[DOOR] = self._door
        try:
            path, root_path = path_in(environ)
            access = environ[ACCESS] = self._door.access(path, root_path)
            environ[PRINCIPAL] = caller_in(self._authenticator, headers_in(environ), access)
        except Exception as error:
            return write(self._door.refuse(error, asked(environ)), environ, start_response)
        return self._app(environ, start_response)


def principal_in(environ: Mapping[str, Any]) -> Principal | None:
    """Return the caller that a guard has verified; ``None`` on public paths, and for guests on optional ones.

    Raises :class:`~doorward.errors.Misconfigured` where no guard stands in front: a missing guard must not look like
    a guest.
    """
    if PRINCIPAL not in environ:
        what = "No Guard stands in front of this application."
        raise Misconfigured(Finding(what, "Wrap it in doorward.verify.wsgi.Guard, or say require(using=verifier)."))
    principal = environ[PRINCIPAL]
    return principal if isinstance(principal, Principal) else None


def path_in(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the whole path, decoded, and the mount point at its beginning.

    PEP 3333 hands over bytes as latin-1; what is no UTF-8 becomes the replacement character, which no rule opens.
    """
    root_path, path = (_decoded(environ.get(name, "")) for name in ("SCRIPT_NAME", "PATH_INFO"))
    return root_path + (path or "/"), root_path


def headers_in(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the headers that decide, as pairs; an Authorization header that was sent twice is two of them."""
    pairs = []
    if "HTTP_AUTHORIZATION" in environ:
        pairs += separated(environ["HTTP_AUTHORIZATION"])
    pairs += [(name, environ[key].encode("latin-1", "replace")) for key, name in _ASKED_FOR.items() if key in environ]
    return pairs


def asked(environ: Mapping[str, Any]) -> Asked:
    """Return what a refusal has to know of the request."""
    path, root_path = path_in(environ)
    query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
    return Asked(environ["REQUEST_METHOD"], path, root_path, query, headers_in(environ))


def write(answer: Answer, environ: Mapping[str, Any], start_response: StartResponse) -> list[bytes]:
    """Send an answer; to HEAD without its body (RFC 9110 section 9.3.2)."""
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in answer.headers]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


def _decoded(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "replace")
