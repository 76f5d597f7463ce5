"""A chat room for one, in Starlette: the socket is closed when the session of its owner ends."""

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from doorward.verify import Guard, Verifier, principal_of

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")


async def echo(socket: WebSocket) -> None:
    """Say everything back, with the name of who has said it."""
    who = principal_of(socket)
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{who.subject}: {text}")


app = Guard(Starlette(routes=[WebSocketRoute("/echo", echo)]), verifier)
