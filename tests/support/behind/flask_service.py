"""Flask: a few lines around ``Verifier.check``, as a service without an adapter would have them."""

import os

from flask import Flask, Response, request

from doorward.errors import InvalidToken, Unavailable
from doorward.verify import Verifier

app = Flask(__name__)
verifier = Verifier(issuer=os.environ["ISSUER"], ca_file=os.environ["AUTHORITY"])


@app.get("/")
def index() -> Response:
    """Who calls."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        return Response(verifier.check(token if scheme == "Bearer" else "").subject)
    except InvalidToken:
        return Response(status=401)
    except Unavailable:
        return Response(status=503)
