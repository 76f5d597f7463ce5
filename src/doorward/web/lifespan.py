"""The lifespan protocol of ASGI, for when doorward is served as the whole application."""

from contextlib import AbstractAsyncContextManager

from starlette.types import Receive, Send

from doorward.errors import Misconfigured, StorageUnavailable


async def serve_lifespan(lifespan: AbstractAsyncContextManager[None], receive: Receive, send: Send) -> None:
    """Enter the lifespan, say so, and leave it when the server stops; a start that fails is said and raised."""
    await receive()
    try:
        async with lifespan:
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except (Misconfigured, StorageUnavailable) as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        raise  # our own server tells the operator what to mend
    await send({"type": "lifespan.shutdown.complete"})
