"""A small app in place of doorward's, for tests of what carries it: ``tests.serving.standin:make``."""

import asyncio
import json
import os
from typing import Any

from doorward.errors import Finding, Misconfigured, StorageUnavailable
from doorward.settings import Settings


class StandIn:
    """Answers ``/`` with its process id, ``/slow`` after a while, ``/scope`` with what it was told."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings, as ``Doorward`` does; its ``service_name`` chooses a way to fail."""
        self._name = settings.service_name

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["path"] == "/die":
            os._exit(7)
        if scope["path"] == "/slow":
            await asyncio.sleep(0.7)
        told = {"scheme": scope["scheme"], "client": scope["client"], "http_version": scope["http_version"]}
        headers = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
        body = json.dumps({"pid": os.getpid(), **told, "headers": headers}).encode()
        fields = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        if self._name == "misconfigured":
            raise Misconfigured(Finding("the app does not like it.", "Change it."))
        if self._name == "no storage":
            raise StorageUnavailable("nobody there")
        if self._name == "failing":
            await send({"type": "lifespan.startup.failed", "message": "the app said no"})
            return
        if self._name == "dying":
            os._exit(7)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def make(settings: Settings) -> StandIn:
    """Make the app."""
    return StandIn(settings)
