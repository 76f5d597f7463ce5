"""Reports behind doorward, in Litestar: one open path, one for callers, one for a role."""

from litestar import Litestar, Request, get

from doorward.verify import Guard, Verifier, principal_of
from doorward.verify.litestar import require

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")


@get("/")
async def home() -> str:
    """Everybody may read this."""
    return "open"


@get("/me")
async def me(request: Request) -> dict[str, str]:
    """Tell the caller who it is."""
    return {"subject": principal_of(request.scope).subject}


@get("/admin", guards=[require(role="admin")])
async def admin() -> str:
    """Only for the role ``admin``."""
    return "admin"


app = Guard(Litestar([home, me, admin]), verifier, public=["/"])
