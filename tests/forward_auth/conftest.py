"""One site for each proxy, for the whole module: starting three programs takes a second."""

from collections.abc import Iterator

import pytest

from tests.forward_auth.proxies import PROXIES, Site, program, site


@pytest.fixture(scope="package", params=PROXIES)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Lend a site behind the real proxy."""
    if program(request.param) is None:
        pytest.skip(f"{request.param} is not installed: sudo apt-get install {request.param}")
    with site(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made
