"""Reports behind doorward, in plain WSGI (PEP 3333): one open path, one for callers, one for a role."""

import json
from collections.abc import Iterable

from doorward.verify import Verifier
from doorward.verify.wsgi import Environ, Guard, StartResponse, principal_in

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")


def reports(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer whom the guard has let through."""
    caller, path = principal_in(environ), environ["PATH_INFO"]
    if path == "/":
        return answer(start_response, "200 OK", "open")
    if path == "/me" and caller is not None:
        return answer(start_response, "200 OK", {"subject": caller.subject})
    if path == "/admin" and caller is not None:
        if "admin" not in caller.roles:
            return answer(start_response, "403 Forbidden", "only for the role admin")
        return answer(start_response, "200 OK", "admin")
    return answer(start_response, "404 Not Found", "nothing here")


def answer(start_response: StartResponse, status: str, said: object) -> list[bytes]:
    """Send JSON."""
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


app = Guard(reports, verifier, public=["/"])
