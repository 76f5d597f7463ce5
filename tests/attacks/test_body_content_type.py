"""FastAPI CVE-2021-32677, Hono CVE-2024-48913: JSON that is read without its content type can be sent by any form."""

import pytest

from tests.support.house import House
from tests.support.raw import bearer, call

pytestmark = pytest.mark.usefixtures("quick")

OTHERS = [
    None,
    b"",
    b"text/plain",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"text/json",
    b"application/json;charset=utf-8",
    b"application/json; charset=latin-1",
    b"Application/JSON",
    b" application/json",
    b"application/json ",
    b"application/json,text/plain",
    b"text/plain;application/json",
    b"application/jsonp",
    b"application/problem+json",
    b"application/json\0",
    b"*/*",
]


@pytest.mark.parametrize("declared", OTHERS)
async def test_no_operation_reads_a_body_under_another_type(house: House, declared: bytes | None) -> None:
    """What a cross-site form or a simple request can declare is 415 at every operation that reads a body."""
    token = (await house.enter())["access_token"]
    type_of_body = [] if declared is None else [(b"content-type", declared)]
    body = b'{"login": "ada@example.test", "password": "correct horse battery staple"}'

    for operation in house.auth.operations():
        if operation.reads is None:
            continue
        headers = [*type_of_body, (b"content-length", str(len(body)).encode())]
        if operation.needs_caller:
            headers.append(bearer(token))

        answer = await call(house.auth, operation.method, operation.path, headers=headers, body=body)

        assert (answer.status, answer.code) == (415, "unsupported_media_type"), operation.path


async def test_two_content_types_are_none(house: House) -> None:
    """Two readers would not agree which of them counts."""
    answer = await call(
        house.auth,
        "POST",
        "/v1/login",
        headers=[(b"content-type", b"application/json"), (b"content-type", b"text/plain")],
        body=b"{}",
    )

    assert answer.status == 415


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
async def test_a_compressed_body_is_not_inflated(house: House, coding: bytes) -> None:
    """A bomb stays folded: nothing is inflated, so it is not JSON."""
    import gzip

    answer = await call(
        house.auth,
        "POST",
        "/v1/login",
        headers=[(b"content-type", b"application/json"), (b"content-encoding", coding)],
        body=gzip.compress(b'{"login": "a", "password": "b"}' + b" " * 1_000_000),
    )

    assert (answer.status, answer.code) == (400, "malformed_request")
