"""What holds for every operation: headers, problems, methods, the generated contract."""

import json
import logging
import re

import pytest

from doorward.errors import CODES, StorageUnavailable
from doorward.web.routing import path_below_mount
from tests.support.house import House, bearer


async def test_every_answer_has_the_headers_of_the_contract(house: House) -> None:
    """Also the refusals."""
    for path in ("/health/live", "/v1/me", "/nowhere"):
        headers = (await house.client.get(path)).headers

        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-12345678", True), ("short", False), ("x" * 65, False), ("a b c d e", False)]
)
async def test_a_request_id_is_taken_over_if_it_is_a_plain_word(house: House, given: str, kept: bool) -> None:
    """So that logs can be put together, and not forged."""
    answer = await house.client.get("/health/live", headers={"X-Request-Id": given})

    assert (answer.headers["x-request-id"] == given) is kept


async def test_a_problem_says_what_rfc_9457_wants(house: House) -> None:
    """Its type leads to the page of the server that explains the code."""
    answer = await house.client.get("/v1/me")
    problem = answer.json()
    page = await house.client.get("/docs")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="doorward"'
    assert problem == {
        "type": "https://auth.example.test/docs#invalid_token",
        "title": "The access token is not valid",
        "status": 401,
        "detail": "Send a valid access token as 'Authorization: Bearer'.",
        "code": "invalid_token",
    }
    assert 'id="invalid_token"' in page.text


async def test_a_bad_token_is_challenged_with_a_reason(house: House) -> None:
    """RFC 6750 §3.1."""
    answer = await house.me("nonsense")

    assert answer.headers["www-authenticate"] == 'Bearer realm="doorward", error="invalid_token"'


async def test_unknown_paths_and_methods(house: House) -> None:
    """404, and 405 with the methods that there are."""
    missing = await house.client.get("/v1/nowhere")
    wrong = await house.client.put("/v1/me")
    wrong_below = await house.client.get("/v1/me/sessions/ses_x")
    head = await house.client.head("/health/live")

    assert missing.json()["code"] == "not_found"
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH")
    assert (wrong_below.status_code, wrong_below.headers["allow"]) == (405, "DELETE")
    assert head.status_code == 200


async def test_the_storage_that_is_down_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive, but not ready; and requests get 503 with the time to come back."""

    async def down(*_: object, **__: object) -> None:
        raise StorageUnavailable("gone")

    pair = await house.enter()
    for name in ("ping", "fetch_one", "write"):
        monkeypatch.setattr(house.auth._database, name, down)

    live, ready = await house.client.get("/health/live"), await house.client.get("/health/ready")
    refused = await house.me(pair["access_token"])

    assert live.json() == {"status": "ok", "failing": []}
    assert (ready.status_code, ready.json()) == (503, {"status": "failing", "failing": ["database"]})
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert refused.headers["retry-after"] == "1"


async def test_ready_when_everything_answers(house: House) -> None:
    """What a load balancer asks."""
    assert (await house.client.get("/health/ready")).json() == {"status": "ok", "failing": []}


async def test_a_defect_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets a request id, the log gets the reason."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret reason")

    pair = await house.enter()
    monkeypatch.setattr(house.auth.accounts, "find", broken)

    with caplog.at_level(logging.ERROR):
        answer = await house.me(pair["access_token"])

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret reason" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


async def test_the_contract_is_generated_from_the_operations(house: House) -> None:
    """Every operation is in it, with its body, answers, problems and whether it needs a caller."""
    document = (await house.client.get("/openapi.json")).json()

    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert documented == {(operation.method, operation.path) for operation in house.auth.operations()}
    login = document["paths"]["/v1/login"]["post"]
    assert login["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/LoginBody"}
    assert len(login["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"]) == 2
    assert "`invalid_credentials`" in login["responses"]["401"]["description"]
    assert document["paths"]["/v1/me"]["get"]["security"] == [{"bearer": []}, {"cookie": []}]
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert references <= set(document["components"]["schemas"])


async def test_the_page_for_people_needs_nothing_from_outside(house: House) -> None:
    """One stylesheet of our own, no script, every code explained."""
    page = await house.client.get("/docs")
    style = await house.client.get("/docs/style.css")

    assert "<script" not in page.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert all(f'id="{code}"' in page.text for code in CODES)


async def test_the_metadata_says_what_is_supported(house: House) -> None:
    """RFC 8414: the issuer exactly, and nothing that is not there (better-auth GHSA-9h47-pqcx-hjr4)."""
    metadata = (await house.client.get("/.well-known/oauth-authorization-server")).json()

    assert metadata["issuer"] == "https://auth.example.test"
    assert metadata["jwks_uri"] == "https://auth.example.test/.well-known/jwks.json"
    assert metadata["grant_types_supported"] == []


@pytest.mark.parametrize(
    ("path", "root", "below"),
    [
        ("/v1/me", "", "/v1/me"),
        ("/auth/v1/me", "/auth", "/v1/me"),
        ("/auth", "/auth", "/"),
        ("/authority", "/auth", "/authority"),
        ("/v1/me", "/auth", "/v1/me"),
    ],
)
def test_a_path_is_seen_from_the_mount_point(path: str, root: str, below: str) -> None:
    """The rule of Starlette's routers."""
    assert path_below_mount(path, root) == below


async def test_a_cookie_session_is_exchanged_for_an_access_token(house: House) -> None:
    """For a browser application that calls other services; a bearer token is nothing to exchange."""
    pair = await house.enter()
    login = {"login": "ada@example.test", "password": "correct horse battery staple", "transport": "cookie"}
    session_id = (await house.browser.post("/v1/login", json=login)).json()["session_id"]

    answer = await house.browser.post("/v1/token/exchange")
    refused = await house.client.post("/v1/token/exchange", headers=bearer(pair["access_token"]))

    assert set(answer.json()) == {"token_type", "access_token", "expires_in"}
    assert house.auth.verifier.check(answer.json()["access_token"]).session_id == session_id
    assert refused.json()["code"] == "invalid_request"
