"""The reason to choose doorward: a log-out counts at every service behind it, in whatever process and framework.

A real server over TLS, and FastAPI under uvicorn, Flask and Django under gunicorn, each a program of its own that
verifies by itself. How soon is measured by ``python -m benchmarks everywhere``; here it is only asked that it happens.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.behind import Service, services
from tests.support.behind.issuer import ROOMY, Issuer, issuing
from tests.support.served import serving

MANY = 1500


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """A doorward of its own."""
    folder = tmp_path_factory.mktemp("issuer")
    with serving(folder, **ROOMY) as served, issuing(served) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def behind(issuer: Issuer) -> Iterator[list[Service]]:
    """The three services."""
    with services(issuer.served.origin, issuer.served.authority) as running:
        yield running


def everywhere(behind: list[Service], token: str) -> dict[str, int]:
    """What each service says to a token."""
    return {service.name: service.status(token) for service in behind}


def all_saying(status: int) -> dict[str, int]:
    """The same from each."""
    return dict.fromkeys(("FastAPI", "Flask", "Django"), status)


def test_sessions_that_end_in_any_order_are_refused_everywhere(issuer: Issuer, behind: list[Service]) -> None:
    """Each by each service, soon after its 204; the others go on."""
    tokens = [issuer.log_in() for _ in range(9)]
    random.Random(4).shuffle(tokens)  # an order that is nobody's
    kept, ended = tokens[:2], tokens[2:]
    for token in tokens:
        assert everywhere(behind, token) == all_saying(200)

    with ThreadPoolExecutor(len(behind)) as pool:
        for token in ended:
            issuer.log_out(token)
            list(pool.map(Service.seconds_to_refusal, behind, [token] * len(behind)))

    assert [everywhere(behind, token) for token in kept] == [all_saying(200)] * 2
    assert [everywhere(behind, token) for token in ended] == [all_saying(401)] * 7


def test_many_sessions_that_end_at_once_are_refused_everywhere(issuer: Issuer, behind: list[Service]) -> None:
    """More than one page of the feed holds, by one log-out."""
    tokens = issuer.many_sessions(MANY)
    last = issuer.log_in()
    sample = [tokens[0], tokens[MANY // 2], tokens[-1], last]
    for token in sample:
        assert everywhere(behind, token) == all_saying(200)

    issuer.log_out(last, everywhere=True)

    for service in behind:
        for token in sample:
            service.seconds_to_refusal(token)


def test_a_server_that_is_killed_and_comes_back_is_followed_again(issuer: Issuer, behind: list[Service]) -> None:
    """Services go on alone, refuse what they knew, and hear of what ends afterwards."""
    dead, live, later = (issuer.log_in() for _ in range(3))
    issuer.log_out(dead)
    for service in behind:
        service.seconds_to_refusal(dead)

    with issuer.killed():
        assert everywhere(behind, live) == all_saying(200)
        assert everywhere(behind, dead) == all_saying(401)
    issuer.log_out(later)

    for service in behind:
        service.seconds_to_refusal(later)
    assert everywhere(behind, live) == all_saying(200)
    assert everywhere(behind, dead) == all_saying(401)
