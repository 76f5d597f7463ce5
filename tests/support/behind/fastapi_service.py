"""FastAPI: a guard in front, and the caller as a dependency."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from doorward.verify import Guard, Principal, Verifier
from doorward.verify.fastapi import require

app = FastAPI()
verifier = Verifier(issuer=os.environ["ISSUER"], ca_file=os.environ["AUTHORITY"])
app.add_middleware(Guard, authenticator=verifier)


@app.get("/")
async def index(caller: Annotated[Principal, Depends(require())]) -> str:
    """Who calls."""
    return caller.subject
