"""Header fields that are not what they should be."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inputs.conftest import Log, check_refusal
from tests.support.house import House
from tests.support.raw import JSON, Answer, bearer, call, cookie

fuzzing = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = [
    b"authorization", b"cookie", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding",
    b"accept", b"accept-encoding", b"host", b"origin", b"referer", b"sec-fetch-site", b"user-agent", b"x-request-id",
    b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix", b"x-real-ip", b"forwarded",
    b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"if-none-match", b"range", b"expect", b"upgrade",
    b"connection", b"te", b"", b"\xff",
]  # fmt: skip

SPICE = [
    b"", b" ", b"\x00", b"\xff\xfe", b"%00", b"%ff", b"\r\nSet-Cookie: a=b", b",", b";", b"=", b"\"", b"\\", b"'",
    b"../../etc/passwd", b"${jndi:ldap://x}", b"{{7*7}}", b"999999999999999999999", b"-1", b"NaN", b"::1", b"[::1",
    b"127.0.0.1, 10.0.0.1", b"1.2.3.4:99999", b"fe80::1%eth0", b"256.256.256.256", b"unknown", b"_hidden",
    b"for=\"[2001:db8::1]:80\"", b"a" * 8000, b"%s%n%x", "ünï".encode(), b"\xc0\x80",
]  # fmt: skip

values = st.sampled_from(SPICE) | st.binary(max_size=64) | st.lists(st.sampled_from(SPICE), max_size=4).map(b"".join)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=8)

MOST_LOGGED = 2000
"""Characters that one request may put into the log."""


@fuzzing
@given(extra=headers)
async def test_no_header_breaks_a_log_in(target: House, extra: list[tuple[bytes, bytes]], log: Log) -> None:
    """authentik CVE-2024-47070: a header that could not be read skipped the check. Here: 401 or another 4xx."""
    log.lines.clear()

    answer = await call(
        target.auth,
        "POST",
        "/v1/login",
        headers=[JSON, *extra],
        body=b'{"login": "ada@example.test", "password": "not the password"}',
    )

    check_refusal(answer)
    assert log.size <= MOST_LOGGED


@fuzzing
@given(extra=headers)
async def test_no_header_makes_somebody_of_nobody(target: House, extra: list[tuple[bytes, bytes]], log: Log) -> None:
    """Without a credential that was issued a protected route refuses, whatever else is said."""
    log.lines.clear()

    answer = await call(target.auth, "GET", "/v1/me", headers=extra)

    check_refusal(answer, 400, 401)
    assert log.size <= MOST_LOGGED
    _check_headers(answer)


@fuzzing
@given(extra=headers)
async def test_no_header_gets_into_another_header(target: House, extra: list[tuple[bytes, bytes]]) -> None:
    """No answer has a header that a caller wrote, and none has a line break in it."""
    for path in ("/health/live", "/.well-known/jwks.json", "/nowhere"):
        _check_headers(await call(target.auth, "GET", path, headers=extra))


@fuzzing
@given(token=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
async def test_no_bearer_token_is_too_strange(target: House, token: str, log: Log) -> None:
    """Any bytes behind ``Bearer``: 401 or 400, and the log does not repeat them."""
    log.lines.clear()

    answer = await call(
        target.auth, "GET", "/v1/me", headers=[(b"authorization", b"Bearer " + token.encode("utf-8", "replace"))]
    )

    check_refusal(answer, 400, 401)
    assert log.size <= MOST_LOGGED


@fuzzing
@given(value=st.binary(max_size=120), name=st.sampled_from([b"__Host-doorward=", b"__Host-doorward=dws_", b""]))
async def test_no_cookie_header_is_too_strange(target: House, value: bytes, name: bytes) -> None:
    """Any bytes in a Cookie header: nobody is logged in and nothing breaks."""
    answer = await call(target.auth, "GET", "/v1/me", headers=[cookie(name + value)])

    check_refusal(answer, 401)


@fuzzing
@given(position=st.integers(0, 200), byte=st.integers(0, 255))
async def test_no_changed_byte_of_a_genuine_credential_passes(target: House, position: int, byte: int) -> None:
    """Refresh tokens and cookies have one spelling."""
    if not target.people:
        pair = await target.enter("eve@example.test")
        target.people["refresh"] = pair["refresh_token"]
    genuine = target.people["refresh"].encode()
    position %= len(genuine)
    forged = genuine[:position] + bytes([byte]) + genuine[position + 1 :]
    if forged == genuine:
        return

    answer = await target.refresh(forged.decode("latin-1"))

    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("size", [1_000, 100_000, 1_000_000])
async def test_a_huge_header_is_refused_quickly_and_not_logged(target: House, size: int, log: Log) -> None:
    """joserfc CVE-2025-65015, golang-jwt CVE-2025-30204: no token is long enough to fill a disk or a second."""
    log.lines.clear()
    for header in (
        bearer("." * size),
        bearer("a." * (size // 2)),
        bearer("eyJ" + "A" * size),
        cookie("__Host-doorward=" + "a" * size),
        cookie(";" * size),
        (b"x-request-id", b"a" * size),
        (b"user-agent", b"u" * size),
        (b"x-forwarded-for", b"1.2.3.4," * (size // 8)),
    ):
        answer = await call(target.auth, "GET", "/v1/me", headers=[header])

        check_refusal(answer, 400, 401)
        assert len(answer.everything) < 2000
    assert log.size <= MOST_LOGGED


@pytest.mark.parametrize("given", [b"short", b"a" * 65, b"with space 1", b"line\nbreak", b"<script>alert", b"\xff" * 9])
async def test_a_request_id_that_is_no_plain_word_is_replaced(target: House, given: bytes) -> None:
    """What is echoed and logged is either a plain word or our own."""
    answer = await call(target.auth, "GET", "/health/live", headers=[(b"x-request-id", given)])

    (said,) = answer.values(b"x-request-id")
    assert said != given
    assert len(said) == 16


async def test_a_method_that_is_a_novel_does_not_fill_the_log(target: House, log: Log) -> None:
    """Also where a failure is logged, what the caller wrote is cut and kept on one line."""
    await target.auth._database.close()
    log.lines.clear()
    body = b'{"login": "ada@example.test", "password": "not the password"}'

    answer = await call(target.auth, "POST", "/v1/login", headers=[JSON, (b"x-request-id", b"abcdefgh")], body=body)
    other = await call(target.auth, "X\r\n" * 5000, "/v1/login", headers=[JSON], body=body)

    assert answer.status == 503
    check_refusal(other, 405)
    assert log.size <= MOST_LOGGED
    await target.auth._database.open()


def _check_headers(answer: Answer) -> None:
    for name, value in answer.headers:
        assert not set(name + value) & set(b"\r\n\0"), (name, value)
        assert name not in {b"a", b"set-cookie"} or value.startswith(b"__Host-doorward=;")
    assert len(answer.everything) < 8 * 1024
