"""The thin line through everything: register, log in, call, refresh, log out."""

from tests.support.house import PASSWORD, House, bearer


async def test_a_program_logs_in_calls_refreshes_and_logs_out(house: House) -> None:
    """After the log-out neither the access token nor the refresh token is worth anything."""
    account = await house.register("Ada@Example.test", username="ada", profile={"name": "Ada Lovelace"})
    first = await house.log_in("ada@EXAMPLE.test")

    called = await house.me(first["access_token"])
    second = (await house.refresh(first["refresh_token"])).json()
    called_again = await house.me(second["access_token"])
    left = await house.client.post("/v1/logout", json={}, headers=bearer(second["access_token"]))

    assert called.json() == {"account": account}
    assert called_again.status_code == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert left.status_code == 204
    assert (await house.me(second["access_token"])).status_code == 401
    assert (await house.me(first["access_token"])).json()["code"] == "invalid_token"
    assert (await house.refresh(second["refresh_token"])).json()["code"] == "invalid_grant"


async def test_a_browser_logs_in_with_a_cookie_and_logs_out(house: House) -> None:
    """The cookie is all a browser holds; after the log-out it is cleared and dead."""
    await house.register()

    entered = await house.browser.post(
        "/v1/login", json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    cookie = entered.headers.get_list("set-cookie")[0]
    value = cookie.split(";")[0]
    called = await house.browser.get("/v1/me")
    left = await house.browser.post("/v1/logout", json={})
    after = await house.client.get("/v1/me", headers={"Cookie": value})

    assert set(entered.json()) == {"session_id", "account"}
    assert cookie.startswith("__Host-doorward=dws_")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert called.status_code == 200
    assert left.status_code == 204
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert left.headers["clear-site-data"]
    assert after.status_code == 401
    assert after.json()["code"] == "session_ended"
