"""The plan: what a worker process gets, whole and nowhere visible."""

from pathlib import Path

import pytest

from doorward.core.secret import Secret
from doorward.serving.plan import Plan
from doorward.serving.proxy import ForwardedHeaders
from doorward.settings import Mail, Passwords, Serving, Settings, Tokens
from tests.serving.client import STAND_IN

SETTINGS = Settings(
    secret=(Secret(b"\x00\xff binary"), Secret("text, with a comma")),
    data_dir=Path("elsewhere"),
    mail=Mail(from_="door@example.org"),
    tokens=Tokens(access_lifetime=90),
    serving=Serving(http_port=None, certificate=Path("a.pem"), trusted_proxies=("10.0.0.5",)),
    passwords=Passwords(pepper=(Secret("pepper"),)),
)


@pytest.mark.parametrize("pair", [(None, None), (Path("a.pem"), Path("a.key"))])
def test_a_plan_comes_out_as_it_went_in(pair: tuple[Path | None, Path | None]) -> None:
    """Secrets byte for byte, also those with commas."""
    plan = Plan(settings=SETTINGS, certificate=pair[0], private_key=pair[1], app=STAND_IN, drain=1.5)

    assert Plan.decode(plan.encode()) == plan


def test_a_pair_needs_both() -> None:
    """Without it, plain HTTP is served behind a proxy."""
    path = Path("a.pem")

    assert Plan(settings=SETTINGS, certificate=path, private_key=path).pair == (path, path)
    assert Plan(settings=SETTINGS, certificate=None, private_key=None).pair is None


def test_the_app_is_made_from_its_import_string_behind_the_forwarded_headers() -> None:
    """So that no app is served without them."""
    app = Plan(settings=SETTINGS, certificate=None, private_key=None, app=STAND_IN).build_app()

    assert isinstance(app, ForwardedHeaders)
