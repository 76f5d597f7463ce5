"""Paths and query strings that are not what they should be."""

from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from tests.inputs.conftest import Log, check_refusal
from tests.support.house import House
from tests.support.raw import bearer, call

fuzzing = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = [
    "", "v1", "me", "V1", "ME", ".", "..", "...", "%2e", "%2e%2e", "%2f", "%252f", "%5c", "\\", "//", "\0", "%00", "\n",
    "login", "sessions", "{id}", "ses_", "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa", ";a=b", "?", "#", "é", "\u2025", "\uff0f",
    "\udc80", " ", "*", "a" * 3000, ".well-known", "jwks.json", "health", "live", "docs", "__class__", "constructor",
]  # fmt: skip

paths = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=6).map(lambda pieces: "/" + "/".join(pieces))


@fuzzing
@given(path=paths, method=st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS", "FOO"]))
async def test_no_path_is_too_strange(target: House, path: str, method: str, log: Log) -> None:
    """Any path with any method: an answer that the contract knows, never 500, and nothing logged."""
    log.lines.clear()

    answer = await call(target.auth, method, path)

    assert answer.status < 500
    if path not in {operation.path for operation in target.auth.operations()} and not path.startswith("/docs"):
        is_page = b"text/html" in answer.values(b"content-type")[0] if answer.status == 200 else False
        assert answer.status >= 400 or path in ("/openapi.json", "/") or is_page
    assert path[:20].encode("utf-8", "surrogateescape") not in answer.body or len(path) < 20
    assert log.size < 2000


async def test_what_a_path_is_does_not_depend_on_how_it_is_spelled(target: House) -> None:
    """There is one spelling: no doubled, dotted, encoded, trailing or upper-case variant is another name."""
    token = (await target.enter())["access_token"]
    variants = [
        "//v1/me", "/v1//me", "/v1/me/", "/./v1/me", "/v1/./me", "/x/../v1/me", "/V1/me", "/v1/ME", "/v1/me;x=1",
        "/v1/me%20", "/v1/me ", "/v1/me\n", "/v1%2fme", "/v1\\me", "v1/me", "/v1/me\0", "/v1/me?", "/v1/m\u0065\u0301",
    ]  # fmt: skip

    found = [path for path in variants if (await call(target.auth, "GET", path, headers=[bearer(token)])).status != 404]

    assert found == []


@pytest.mark.parametrize("root_path", ["", "/auth", "/deep/er", "/auth/v1"])
async def test_below_a_mount_point_the_same_paths_are_known_and_no_others(target: House, root_path: str) -> None:
    """The mount point is taken off once, as Starlette takes it off, and only where it is a whole prefix."""
    token = (await target.enter())["access_token"]

    async def status(path: str) -> int:
        return (await call(target.auth, "GET", path, headers=[bearer(token)], root_path=root_path)).status

    assert await status(root_path + "/v1/me") == 200
    if root_path:
        assert await status(root_path * 2 + "/v1/me") == 404
        assert await status(root_path + "x/v1/me") == 404
        assert await status(root_path + "//v1/me") == 404
        assert await status(root_path) == 303  # the front door
        assert await status("/" + "x" * (len(root_path) - 1) + "/v1/me") == 404


async def test_a_host_that_mounts_it_sees_the_same(target: House) -> None:
    """Mounted in Starlette, encoded and doubled paths stay unknown: the host's router has decoded them once."""
    host = Starlette()
    host.mount("/auth", target.auth)
    token = (await target.enter())["access_token"]

    async def status(raw: str) -> int:
        return (await call(host, "GET", unquote(raw), headers=[bearer(token)])).status

    assert await status("/auth/v1/me") == 200
    assert await status("/auth/v1/%6de") == 200  # the same path, decoded by the server
    for raw in ("/auth//v1/me", "/auth/v1%252fme", "/auth/auth/v1/me", "/auth/%2e%2e/auth/v1/me", "/v1/me"):
        assert await status(raw) == 404, raw


@fuzzing
@given(query=st.binary(max_size=100) | st.text(max_size=40).map(lambda text: b"cursor=" + text.encode()))
async def test_no_query_string_is_too_strange(target: House, query: bytes, log: Log) -> None:
    """A cursor that is none begins anew; others are ignored; nothing of it comes back."""
    if not target.people:
        target.people["token"] = (await target.enter("eve@example.test"))["access_token"]
    log.lines.clear()

    answer = await call(target.auth, "GET", "/v1/me/sessions", headers=[bearer(target.people["token"])], query=query)

    assert answer.status == 200
    assert log.size < 2000


@pytest.mark.parametrize(
    "cursor",
    [
        b"1.", b".ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", b"-1.ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", b"9" * 5000, b"NaN.x", b"%00",
        b"99999999999999999999.ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", "１２.ses_aaaaaaaaaaaaaaaaaaaaaaaaaa".encode(),
        b"1.ses_' OR 1=1 --", b"1.acc_aaaaaaaaaaaaaaaaaaaaaaaaaa", b"1&cursor=2", b"%ff%fe", b"%zz", b"a" * 60000,
    ],
)  # fmt: skip
async def test_a_forged_cursor_shows_nothing_of_others(target: House, cursor: bytes) -> None:
    """A cursor is a place in one's own list, and nonsense is its beginning."""
    await target.enter("victim@example.test")
    pair = await target.enter("eve@example.test")

    answer = await call(
        target.auth, "GET", "/v1/me/sessions", headers=[bearer(pair["access_token"])], query=b"cursor=" + cursor
    )

    assert answer.status == 200
    assert {session["id"] for session in answer.json["sessions"]} <= {pair["session_id"]}


@pytest.mark.parametrize("query", [b"", b"others", b"others=", b"others=True", b"others=1", b"others=false&x=true"])
async def test_only_the_exact_word_ends_the_other_sessions(target: House, query: bytes) -> None:
    """What is not ``others=true`` is a mistake and ends nothing."""
    pair = await target.enter()
    other = await target.log_in()

    answer = await call(target.auth, "DELETE", "/v1/me/sessions", headers=[bearer(pair["access_token"])], query=query)

    check_refusal(answer, 422)
    assert (await target.me(other["access_token"])).status_code == 200


@fuzzing
@given(identifier=st.text(max_size=40).filter(lambda text: "/" not in text and text))
async def test_no_session_id_is_too_strange(target: House, identifier: str) -> None:
    """What is not the id of an own live session is 404, whatever it looks like."""
    if not target.people:
        target.people["token"] = (await target.enter("eve@example.test"))["access_token"]

    answer = await call(
        target.auth, "DELETE", f"/v1/me/sessions/{identifier}", headers=[bearer(target.people["token"])]
    )

    check_refusal(answer, 404)
