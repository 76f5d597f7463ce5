"""Tea: an application of one page, whose script logs in, calls an API and logs out with ``doorward.js``.

doorward is mounted at ``/auth``, as ``doorward.toml`` says, so that page, API and doorward share an origin and the
session is in a cookie that the script cannot see. The page and its files are public: there are no secrets in them. What
is not named is behind the door.
"""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse

from doorward import Doorward, Settings
from doorward.verify import Guard, Principal
from doorward.verify.fastapi import require

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

auth = Doorward(Settings.load(env_file=Path(".env")))

app = FastAPI(title="Tea", lifespan=auth.lifespan)
app.mount("/auth", auth)
app.add_middleware(Guard, authenticator=auth, public=["/", "/app.js", "/style.css", "/auth"])

Caller = Annotated[Principal, Depends(require())]

CUPS: dict[str, int] = {}
"""Cups by ``subject``. A real application has a database."""


@app.get("/")
def page() -> FileResponse:
    """Show the page, with a policy that lets nothing run or load that is not served from here."""
    return FileResponse(HERE / "index.html", headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


@app.get("/app.js")
def script() -> FileResponse:
    """Send the page's script."""
    return FileResponse(HERE / "app.js", media_type="text/javascript")


@app.get("/style.css")
def style() -> FileResponse:
    """Send the page's looks."""
    return FileResponse(HERE / "style.css")


@app.get("/api/cups")
def cups(caller: Caller) -> dict[str, int]:
    """Count the caller's cups."""
    return {"cups": CUPS.get(caller.subject, 0)}


@app.post("/api/cups")
def drink(caller: Caller) -> dict[str, int]:
    """Drink another one. Sent with a cookie it must come from a page of this origin; the guard sees to that."""
    CUPS[caller.subject] = CUPS.get(caller.subject, 0) + 1
    return cups(caller)
