"""The settings of the server as a program: where it listens and where it keeps everything."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from doorward.settings.units import Count, Port, Seconds


class Serving(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ``doorward serve`` listens. An embedded instance leaves this to its host."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port of the HTTPS listener.")] = 8443
    http_port: Annotated[
        Port | None,
        Meta(description="Port of the plain listener, which only points to HTTPS. Empty: no such listener."),
    ] = 8080
    management_port: Annotated[
        Port | None,
        Meta(description="Port of the management listener, plain HTTP with `/metrics`. Empty: no such listener."),
    ] = None
    management_host: Annotated[
        str, Meta(description="Address of the management listener. Whoever reaches it sees how much is going on.")
    ] = "127.0.0.1"
    workers: Annotated[Count, Meta(description="Worker processes. More than one needs no other setting.")] = 1
    certificate: Annotated[
        Path | None,
        Meta(description="PEM file of the certificate chain. Empty: a local authority makes one for development."),
    ] = None
    private_key: Annotated[Path | None, Meta(description="PEM file of the certificate's key, mode 0600.")] = None
    http2: Annotated[
        bool,
        Meta(
            description="Offer HTTP/2 as well. A client that says nothing then keeps its connection as long as it "
            "likes, and 2048 of them are all there are: only where strangers cannot connect."
        ),
    ] = False
    behind_proxy: Annotated[
        bool, Meta(description="Serve plain HTTP, to the listed proxies only, because one of them ends TLS.")
    ] = False
    insecure_loopback: Annotated[
        bool,
        Meta(
            description="For development on this machine alone: serve plain HTTP on a loopback address, with a cookie "
            "of another name. Any other address, origin, proxy or certificate is refused with it."
        ),
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks whose forwarded headers are believed, separated by commas."),
    ] = ()

    @property
    def in_clear(self) -> bool:
        """Whether our own listener speaks plain HTTP: a proxy ends TLS, or there is none on this machine alone."""
        return self.behind_proxy or self.insecure_loopback


class Database(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where everything is kept."""

    url: Annotated[
        str,
        Meta(description="`sqlite:///path` or `postgresql://user@host/name`. Empty: `doorward.db` in the data folder."),
    ] = ""
    pool_size: Annotated[Count, Meta(description="Connections to PostgreSQL, per worker process.")] = 8
    timeout: Annotated[Seconds, Meta(description="How long one statement, or the wait for a connection, may take.")] = (
        10
    )

    def __repr__(self) -> str:
        """Show everything but the URL, which may have a password in it."""
        return f"Database(url=…, pool_size={self.pool_size}, timeout={self.timeout})"
