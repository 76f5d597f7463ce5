"""How much may be sent, and how it must be declared."""

from collections.abc import Iterator

import pytest

from tests.inputs.conftest import check_refusal
from tests.support.house import House
from tests.support.raw import JSON, bearer, call

LIMIT = 64 * 1024
CHUNK = 8 * 1024


def _endless(taken: list[int]) -> Iterator[bytes]:
    yield b'{"email": "'
    while True:
        taken[0] += CHUNK
        yield b"x" * CHUNK


@pytest.mark.parametrize("declared", [None, b"10", b"0", b"-1", b"99999999999999999999", b"nonsense", b"65536"])
async def test_a_body_without_end_is_cut_off_at_64_kib_whatever_was_declared(
    target: House, declared: bytes | None
) -> None:
    """starlette CVE-2026-54283: the limit is enforced while reading, and no more than one piece over it is read."""
    headers = [JSON] if declared is None else [JSON, (b"content-length", declared)]
    for operation in target.auth.operations():
        if operation.reads is None or operation.needs_caller:
            continue
        taken = [0]

        answer = await call(target.auth, operation.method, operation.path, headers=headers, body=_endless(taken))

        check_refusal(answer, 413)
        assert taken[0] <= LIMIT + 2 * CHUNK


async def test_the_last_byte_that_is_allowed_is_read(target: House) -> None:
    """Exactly 64 KiB is read and judged; one more is too much."""
    for length, status in ((LIMIT, 422), (LIMIT + 1, 413)):
        body = b'{"login": "a", "password": "' + b"x" * (length - 30) + b'"}'
        assert len(body) == length

        answer = await call(target.auth, "POST", "/v1/login", headers=[JSON], body=body)

        check_refusal(answer, status)


async def test_nobody_has_to_send_in_one_piece(target: House) -> None:
    """A body of single bytes is read like any other."""
    body = b'{"login": "nobody@example.test", "password": "whatever it is"}'

    answer = await call(
        target.auth, "POST", "/v1/login", headers=[JSON], body=[body[i : i + 1] for i in range(len(body))]
    )

    check_refusal(answer, 401)


async def test_a_body_where_none_belongs_is_not_read(target: House) -> None:
    """GET and DELETE take nothing from a body, however large."""
    token = (await target.enter())["access_token"]
    taken = [0]

    answer = await call(target.auth, "GET", "/v1/me", headers=[JSON, bearer(token)], body=_endless(taken))

    assert answer.status == 200
    assert taken[0] <= CHUNK
