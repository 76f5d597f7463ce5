"""Reports behind doorward, in Flask: one open path, one for callers, one for a role."""

from flask import Flask

from doorward.verify import Verifier
from doorward.verify.flask import current_principal, protect, require

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")

app = Flask(__name__)
protect(app, verifier, public=["/"])


@app.get("/")
def home() -> str:
    """Everybody may read this."""
    return "open"


@app.get("/me")
def me() -> dict[str, str]:
    """Tell the caller who it is."""
    return {"subject": current_principal().subject}


@app.get("/admin")
@require(role="admin")
def admin() -> str:
    """Only for the role ``admin``."""
    return "admin"
