"""Making this server speak to what is behind its firewall, by an endpoint that is not where it says (SSRF)."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from doorward.webhooks.model import may_connect
from doorward.webhooks.sending import Sender
from tests.webhooks.receiver import receiving

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fec0::1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b:1::a00:1",
    "5f00::1",
    "nonsense",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_not_spoken_to(address: str) -> None:
    """Private, loopback, link-local (the metadata of clouds), and every way to spell them within IPv6."""
    assert not may_connect(address, [])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is(address: str) -> None:
    """The rule is not simply no."""
    assert may_connect(address, [])


async def test_a_name_with_one_private_address_among_public_ones_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them is used must not be the resolver's choice."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "127.0.0.1")]

    async def resolve(*_: Any, **__: Any) -> Any:
        return answers

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)

    answer = await Sender().post("https://rebinding.example/", [], b"{}")

    assert str(answer) == "the address is not a public one"


async def test_a_name_that_answers_differently_the_second_time_leads_where_it_was_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the connection goes to the address that was judged, and the name is asked once."""
    asked = []
    async with receiving(tmp_path, name="rebinding.example") as receiver:

        async def resolve(host: str, port: int, **_: Any) -> Any:
            asked.append(host)
            address = "127.0.0.1" if host != "rebinding.example" or asked.count(host) == 1 else "10.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        sender = Sender(allowed=["127.0.0.0/8"], ca_file=receiver.authority)
        answer = await sender.post(f"https://rebinding.example:{receiver.port}/", [], b"{}")

    assert answer.status == 204
    assert asked.count("rebinding.example") == 1


async def test_the_metadata_of_a_cloud_is_not_reached(tmp_path: Path) -> None:
    """The address itself, without a name."""
    answer = await Sender().post("https://169.254.169.254/latest/meta-data/", [], b"{}")

    assert str(answer) == "the address is not a public one"


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """Who took over the address does not get the message."""
    async with receiving(tmp_path, name="other.example") as receiver:
        sender = Sender(allowed=["127.0.0.0/8", "::1/128"], ca_file=receiver.authority)
        answer = await sender.post(receiver.url, [], b"{}")

    assert str(answer) == "SSLCertVerificationError"
    assert receiver.received == []


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """It could lead anywhere; it is a failed attempt."""
    async with receiving(tmp_path) as receiver:
        receiver.script = [302]
        sender = Sender(allowed=["127.0.0.0/8", "::1/128"], ca_file=receiver.authority)
        answer = await sender.post(receiver.url, [], b"{}")

    assert answer.status == 302
    assert receiver.connections == 1


async def test_a_name_that_does_not_exist_is_an_answer_too() -> None:
    """Nothing that the network does is raised."""
    answer = await Sender().post("https://nowhere.invalid/", [], b"{}")

    assert answer.status == 0
    assert answer.why
