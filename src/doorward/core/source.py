"""Where a request comes from, as far as it is remembered: a network prefix, a user agent, a request id.

The full address is used for counting only and never stored: sessions and the audit trail keep an IPv4 /24 or an
IPv6 /48, which tells an owner "not my network" and tells nobody else much.
"""

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

MAX_USER_AGENT: Final = 256
MAX_LANGUAGE: Final = 256

OPERATOR: Final = "operator"
"""The actor of what the host does in process and an operator on the command line."""

ANONYMOUS: Final = "anonymous"
"""The actor of a request that has not proved who it comes from."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks. The default is the host itself, calling in process or on the command line."""

    network: str = ""
    """What limits count by: an IPv4 address or an IPv6 /64 (one subscriber's usual allotment); empty: not counted."""
    ip_prefix: str = ""
    """What is remembered and shown: an IPv4 /24 or an IPv6 /48."""
    user_agent: str = ""
    request_id: str = ""
    device: str = field(default="", repr=False)
    """What the account may know this device by; empty: nothing was sent."""
    proof: str = field(default="", repr=False)
    """An answer to a challenge; empty: none was sent."""
    actor: str = OPERATOR
    """Who acts, as far as it is proved: an account's id, ``anonymous``, or ``operator``."""
    language: str = ""
    """What the browser would like to read (``Accept-Language``), not yet compared with what there is."""

    @classmethod
    def of(
        cls, address: str, user_agent: str, request_id: str, *, device: str = "", proof: str = "", language: str = ""
    ) -> "Source":
        """Read a peer's address as the server gives it; a Unix socket or a nonsense address counts as one network."""
        agent = user_agent[:MAX_USER_AGENT]
        if not agent.isprintable():
            agent = "".join(character for character in agent if character.isprintable())
        network, ip_prefix = _networks(address)
        return cls(
            network=network,
            ip_prefix=ip_prefix,
            user_agent=agent,
            request_id=request_id,
            device=device,
            proof=proof,
            actor=ANONYMOUS,
            language=language,
        )


# Every request asks, and the standard library takes 12 µs to answer.
@lru_cache(maxsize=1024)
def _networks(address: str) -> tuple[str, str]:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "local", "local"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    counted, shown = (32, 24) if ip.version == 4 else (64, 48)
    return (
        str(ipaddress.ip_network((ip, counted), strict=False)),
        str(ipaddress.ip_network((ip, shown), strict=False)),
    )
