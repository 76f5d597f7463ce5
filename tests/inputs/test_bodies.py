"""JSON bodies that are not what they should be, at every operation that reads one."""

import json
import time
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from doorward.web.routing import Operation
from tests.inputs.conftest import Log, check_refusal
from tests.support.house import PASSWORD, House
from tests.support.raw import JSON, Answer, bearer, call

LIMIT = 64 * 1024
QUICK = 1.0
"""Seconds that nothing here may take, on the slowest machine; most take a millisecond."""

UNREADABLE = {
    "nothing": b"",
    "space": b" \n\t ",
    "a word": b"hello",
    "a number": b"1",
    "a list": b"[]",
    "null": b"null",
    "half an object": b'{"email": "a',
    "two objects": b"{}{}",
    "a trailing comma": b'{"email": "a",}',
    "single quotes": b"{'email': 'a'}",
    "a comment": b"{/**/}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "UTF-32": '{"email": "a"}'.encode("utf-32-le"),
    "Latin-1": b'{"email": "\xe4"}',
    "an encoded surrogate": b'{"email": "\xed\xa0\x80"}',
    "an overlong NUL": b'{"email": "\xc0\x80"}',
    "an escaped surrogate": b'{"email": "\\ud800"}',
    "a surrogate in a name": b'{"\\udfff": 1}',
    "an escaped NUL": b'{"email": "a\\u0000b"}',
    "a NUL in a name": b'{"a\\u0000": 1}',
    "a raw NUL": b'{"email": "a\x00b"}',
    "a raw line break": b'{"email": "a\nb"}',
    "NaN": b'{"email": NaN}',
    "Infinity": b'{"email": Infinity}',
    "minus Infinity": b'{"profile": {"n": -Infinity}}',
    "a number beyond floats": b'{"profile": {"n": 1e999}}',
    "a number beyond 64 bits": b'{"profile": {"n": 9223372036854775808}}',
    "a number far below": b'{"profile": {"n": -9223372036854775808}}',
    "a number of 5000 digits": b'{"profile": {"n": ' + b"9" * 5000 + b"}}",
    "a member twice": b'{"email": "a", "email": "b"}',
    "a member twice, once escaped": b'{"email": "a", "\\u0065mail": "b"}',
    "a nested member twice": b'{"profile": {"a": 1, "a": 2}}',
    "many brackets": b"[" * LIMIT,
    "many braces": b'{"a":' * (LIMIT // 5),
    "brackets in a member": b'{"profile": ' + b"[" * 20000 + b"]" * 20000 + b"}",
    "40 levels": b'{"profile": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fuzzing = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


SILENT = ("/v1/logout", "/v1/me")
"""Where no body at all means something: who logs out or leaves need not say more."""


def _readers(house: House) -> list[Operation]:
    return [operation for operation in house.auth.operations() if operation.reads is not None]


async def _send(house: House, operation: Operation, body: bytes, token: str) -> Answer:
    headers = [JSON, bearer(token)] if operation.needs_caller else [JSON]
    began = time.perf_counter()
    answer = await call(house.auth, operation.method, operation.path, headers=headers, body=body)
    assert time.perf_counter() - began < QUICK
    return answer


async def test_no_operation_reads_what_is_not_one_clean_object(target: House, log: Log) -> None:
    """Each of these is 400 everywhere, in bounded time and without a line in the log."""
    token = (await target.enter())["access_token"]
    log.lines.clear()

    for operation in _readers(target):
        for what, body in UNREADABLE.items():
            if not body and operation.path in SILENT:
                continue  # who has nothing to say there need not say it
            answer = await _send(target, operation, body, token)

            assert answer.code == "malformed_request", (operation.path, what, answer.body[:200])
            check_refusal(answer, 400)
    assert [line for line in log.lines if "doorward" in line] == []


async def test_a_member_of_a_wrong_type_is_named_and_not_repeated(target: House) -> None:
    """The answer says what was expected at which member, never what was sent."""
    token = (await target.enter())["access_token"]
    marker = "pineapple-marker"
    wrong: list[Any] = [marker, 7, -1.5, True, None, [marker], {marker: marker}, [[[]]], 10**30]

    for operation in _readers(target):
        kind = operation.reads
        assert kind is not None
        good = {field.encode_name: _good_value(field.encode_name) for field in fields(kind) if field.required}
        for field in fields(kind):
            for value in wrong:
                if isinstance(value, str) and str in (field.type, *get_args(field.type)):
                    continue
                body = json.dumps({**good, field.encode_name: value}).encode()
                answer = await _send(target, operation, body, token)
                assert answer.status < 500, (operation.path, field.encode_name, value, answer.body)
                if answer.status == 422:
                    check_refusal(answer, 422)
                    assert marker.encode() not in answer.body
                    assert {"pointer", "code", "detail"} == set(answer.json["errors"][0])


def _good_value(name: str) -> str:
    return {"email": "grace@example.test", "login": "ada@example.test"}.get(name, PASSWORD)


async def test_every_missing_member_is_named_at_once(target: House) -> None:
    """A form can mark all its fields after one attempt."""
    token = (await target.enter())["access_token"]

    for operation in _readers(target):
        if operation.method == "DELETE":
            continue  # it needs nothing, and afterwards there is nobody
        kind = operation.reads
        assert kind is not None
        required = {f"/{field.encode_name}" for field in fields(kind) if field.required}
        answer = await _send(target, operation, b"{}", token)
        if required:
            check_refusal(answer, 422)
            assert {error["pointer"] for error in answer.json["errors"]} == required


async def test_thousands_of_unknown_members_get_a_short_answer(target: House) -> None:
    """A small body must not buy a large answer, at any operation."""
    token = (await target.enter())["access_token"]
    body = json.dumps({f"{number:x}": 0 for number in range(4000)}).encode()
    assert len(body) < LIMIT

    for operation in _readers(target):
        answer = await _send(target, operation, body, token)

        check_refusal(answer, 422)


async def test_a_long_member_name_is_not_sent_back_whole(target: House) -> None:
    """The pointer is cut, and what a JSON pointer must escape is escaped."""
    token = (await target.enter())["access_token"]

    for operation in _readers(target):
        answer = await _send(target, operation, json.dumps({"~/" + "x" * 60000: 1}).encode(), token)

        check_refusal(answer, 422)
        assert answer.json["errors"][0]["pointer"].startswith("/~0~1xxx")


@fuzzing
@given(data=st.data())
async def test_no_bytes_are_too_strange(target: House, data: st.DataObject) -> None:
    """Whatever the bytes: never 500."""
    operation = data.draw(st.sampled_from([one for one in _readers(target) if not one.needs_caller]))
    body = data.draw(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f'{{"email": "{text}"}}'.encode()))

    answer = await _send(target, operation, body, "")

    check_refusal(answer) if operation.path != "/v1/logout" or answer.status != 204 else None


@fuzzing
@given(data=st.data())
async def test_no_shape_is_too_strange(target: House, data: st.DataObject) -> None:
    """Whatever the values of the members that exist: a 4xx or what the operation is for, never 500."""
    if not target.people:
        target.people["token"] = (await target.enter("eve@example.test"))["access_token"]
    operation = data.draw(st.sampled_from([one for one in _readers(target) if one.path != "/v1/logout"]))
    kind = operation.reads
    assert kind is not None
    names = [field.encode_name for field in fields(kind)]
    members = {
        name: data.draw(st.just(_good_value(name)) | anything, label=name)
        for name in names
        if data.draw(st.booleans() | st.just(True))
    }

    answer = await _send(target, operation, json.dumps(members).encode(), target.people["token"])

    assert answer.status < 500, answer.body
    if answer.status >= 400:
        check_refusal(answer)
