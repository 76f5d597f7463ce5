"""Reports behind doorward, in Quart: one open path, one for callers, one for a role."""

from quart import Quart

from doorward.verify import Guard, Verifier
from doorward.verify.quart import current_principal, require

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")

app = Quart(__name__)
app.asgi_app = Guard(app.asgi_app, verifier, public=["/"])


@app.get("/")
async def home() -> str:
    """Everybody may read this."""
    return "open"


@app.get("/me")
async def me() -> dict[str, str]:
    """Tell the caller who it is."""
    return {"subject": current_principal().subject}


@app.get("/admin")
@require(role="admin")
async def admin() -> str:
    """Only for the role ``admin``."""
    return "admin"
