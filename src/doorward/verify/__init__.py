"""For the services behind: who is calling, with no call to the server per request.

Light and usable alone: the standard library and ``cryptography``. ``Verifier`` checks tokens, ``Guard`` protects an
ASGI application by path, and :mod:`doorward.verify.fastapi` has ``require`` for FastAPI and Starlette. The same
decisions for others are in ``wsgi``, ``flask``, ``django``, ``drf``, ``aiohttp``, ``quart``, ``litestar``,
``grpc_sync`` and ``grpc_aio``; each imports its framework when it is imported itself.
"""

from doorward.errors import InvalidToken
from doorward.verify.asgi import Guard, principal_of
from doorward.verify.following import FeedStatus, RevocationsUnavailable
from doorward.verify.model import Principal, RevocationSet
from doorward.verify.verifier import Verifier

__all__ = [
    "FeedStatus",
    "Guard",
    "InvalidToken",
    "Principal",
    "RevocationSet",
    "RevocationsUnavailable",
    "Verifier",
    "principal_of",
]
