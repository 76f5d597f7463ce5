"""Reports behind doorward, in aiohttp: one open path, one for callers, one for a role."""

import sys

from aiohttp import web

from doorward.verify import Verifier
from doorward.verify.aiohttp import Guard, principal_of, require

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")


async def home(_request: web.Request) -> web.Response:
    """Everybody may read this."""
    return web.Response(text="open")


async def me(request: web.Request) -> web.Response:
    """Tell the caller who it is."""
    return web.json_response({"subject": principal_of(request).subject})


@require(role="admin")
async def admin(_request: web.Request) -> web.Response:
    """Only for the role ``admin``."""
    return web.Response(text="admin")


app = web.Application()
app.router.add_get("/", home)
app.router.add_get("/me", me)
app.router.add_get("/admin", admin)
Guard(verifier, public=["/"]).install(app)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
