"""Log-out CSRF: a page of another site logs people out, although SameSite keeps the cookie out of its request."""

import pytest

from tests.support.house import ORIGIN, House, bearer

ELSEWHERE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    "headers", [ELSEWHERE, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
async def test_a_form_of_another_site_clears_no_browser(house: House, headers: dict[str, str]) -> None:
    """The answer would be obeyed by the browser, whatever it had sent."""
    answer = await house.client.post("/v1/logout", headers=headers)

    assert answer.status_code == 204
    assert not {"set-cookie", "clear-site-data"} & answer.headers.keys()


@pytest.mark.parametrize("headers", [{}, {"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}])
async def test_ones_own_page_clears_it(house: House, headers: dict[str, str]) -> None:
    """Also where the session is over already."""
    answer = await house.client.post("/v1/logout", headers=headers)

    assert answer.headers["set-cookie"].startswith("__Host-doorward=;")
    assert "clear-site-data" in answer.headers


async def test_an_application_of_another_origin_ends_its_own_session(house: House) -> None:
    """It shows its token, which no other page can; the browser's cookies are none of its business."""
    pair = await house.enter()

    answer = await house.client.post("/v1/logout", headers={**ELSEWHERE, **bearer(pair["access_token"])}, json={})

    assert answer.status_code == 204
    assert (await house.me(pair["access_token"])).status_code == 401
