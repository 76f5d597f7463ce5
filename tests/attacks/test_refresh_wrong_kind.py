"""Keycloak CVE-2026-4282: one store for every kind of secret. Here: a key of kind A at door B opens nothing."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import OURS, bearer, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")


async def test_every_kind_of_credential_at_every_other_door(house: House) -> None:
    """Access token, refresh token, cookie value, session id, account id, password: each fits one door."""
    pair = await house.enter()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    entered = await post(house.auth, "/v1/login", login)
    value = entered.values(b"set-cookie")[0].partition(b";")[0].partition(b"=")[2].decode()
    exchanged = await call(house.auth, "POST", "/v1/token/exchange", headers=[cookie("__Host-doorward=" + value), OURS])
    kinds = {
        "access": pair["access_token"],
        "exchanged": exchanged.json["access_token"],
        "refresh": pair["refresh_token"],
        "cookie": value,
        "session": pair["session_id"],
        "account": pair["account"]["id"],
        "password": PASSWORD,
        "refresh called a cookie": pair["refresh_token"].replace("dwr_", "dws_"),
        "cookie called a refresh": value.replace("dws_", "dwr_"),
    }

    opened = set()
    for kind, credential in kinds.items():
        if (await call(house.auth, "GET", "/v1/me", headers=[bearer(credential)])).status == 200:
            opened.add((kind, "bearer"))
        if (await call(house.auth, "GET", "/v1/me", headers=[cookie("__Host-doorward=" + credential)])).status == 200:
            opened.add((kind, "cookie"))
        if (await house.refresh(credential[:256])).status_code == 200:
            opened.add((kind, "refresh"))
        if (await post(house.auth, "/v1/login", {**login, "password": credential[:1024]})).status == 200:
            opened.add((kind, "log-in"))

    assert opened == {
        ("access", "bearer"),
        ("exchanged", "bearer"),
        ("refresh", "refresh"),
        ("cookie", "cookie"),
        ("password", "log-in"),
    }


async def test_a_dead_credential_at_the_log_out_is_204_and_ends_nothing(house: House) -> None:
    """Logging out takes refresh tokens only, and says the same for every one of them."""
    pair = await house.enter()

    for wrong in (pair["access_token"][:256], pair["session_id"], pair["refresh_token"].replace("dwr_", "dws_"), "x"):
        answer = await post(house.auth, "/v1/logout", {"refresh_token": wrong})
        assert answer.status == 204

    assert (await house.me(pair["access_token"])).status_code == 200
