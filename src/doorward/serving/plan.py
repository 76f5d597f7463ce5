"""What a process that serves has to know, as one value that can be handed to a worker process through a socket.

Settings are read once, by the process that was started; a worker gets them as they were read, so that a file that has
changed since cannot make workers differ, and no secret stands on a command line or in an environment.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from doorward.configuration.catalogue import entries
from doorward.configuration.reading import build
from doorward.configuration.values import convert
from doorward.core.secret import Secret
from doorward.serving.application import load_application
from doorward.serving.lifespan import App
from doorward.serving.proxy import ForwardedHeaders
from doorward.settings import Settings

if TYPE_CHECKING:
    from doorward.serving.worker import Worker

APP: Final = "doorward.app:Doorward"
DRAIN: Final = 5.0
GRACE: Final = 30.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, the factory of the app (``module:callable`` taking ``Settings``), and the TLS files if any.

    ``application`` names an ASGI application of a host (``module:name``), served in place of what the factory makes.
    ``drain`` is how many seconds an old server still takes what the kernel gave it before its certificate was renewed:
    far longer than a TLS handshake. ``grace`` is how many seconds requests in flight may take after a stop: as long as
    the longest answer, a poll of the revocation feed.
    """

    settings: Settings
    certificate: Path | None
    private_key: Path | None
    app: str = APP
    application: str | None = None
    drain: float = DRAIN
    grace: float = GRACE

    @property
    def pair(self) -> tuple[Path, Path] | None:
        """Certificate and key, or ``None`` for plain HTTP, behind a proxy or on this machine alone."""
        return (self.certificate, self.private_key) if self.certificate and self.private_key else None

    def build_app(self) -> App:
        """Import the app, or make it, and put it behind what believes or drops forwarded headers."""
        return ForwardedHeaders(
            load_application(self.application) if self.application else self._make_app(),
            trusted=self.settings.serving.trusted_proxies,
            required=self.settings.serving.behind_proxy,
            origin=self.settings.origin,
            mount_path=self.settings.mount_path,
        )

    def _make_app(self) -> App:
        module, name = self.app.split(":")
        app: App = getattr(import_module(module), name)(self.settings)
        return app

    def worker(self) -> "Worker":
        """Make what serves the app, in this process."""
        from doorward.serving.worker import Worker  # a crew's parent does without Granian and the app

        http2 = self.settings.serving.http2
        return Worker(self.build_app(), self.pair, drain=self.drain, grace=self.grace, http2=http2)

    def encode(self) -> bytes:
        """Write the plan, secrets included: for a private socket and for nothing else."""
        return msgspec.msgpack.encode(self, enc_hook=_encode)

    @classmethod
    def decode(cls, data: bytes) -> "Plan":
        """Read a plan back. Raises ``ValueError`` for anything else than a plan."""
        raw: dict[str, Any] = msgspec.msgpack.decode(data)
        told = raw.pop("settings")
        sections: dict[str, dict[str, object]] = {}
        for entry in entries().values():
            holder = told[entry.section] if entry.section else told
            sections.setdefault(entry.section, {})[entry.attribute] = convert(entry, holder[entry.attribute])
        for name in ("certificate", "private_key"):
            raw[name] = Path(raw[name]) if raw[name] else None
        return cls(settings=build(sections), **raw)


def _encode(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else str(value)
