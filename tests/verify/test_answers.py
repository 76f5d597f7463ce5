"""How a refusal is said."""

import json

import pytest

from doorward.errors import CODES, FieldError, InvalidFields, InvalidToken, Problem
from doorward.verify.answers import Answer, headers_of, refusal

PRIVATE = "private reason"


def headers(answer: Answer) -> dict[str, str]:
    """Read the headers of an answer."""
    return {name.decode(): value.decode() for name, value in answer.headers}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_is_said_whole_and_keeps_its_secret(code: str) -> None:
    """RFC 9457 members, no-store, and nothing of the private reason; a 401 always has a challenge (RFC 9110)."""
    problem = CODES[code](PRIVATE)

    answer = refusal(problem, realm="doorward", documentation="https://auth.example.test/docs")

    body = json.loads(answer.body)
    said = headers(answer)
    assert body["type"] == f"https://auth.example.test/docs#{code}"
    assert (body["code"], body["status"], answer.status) == (code, problem.status, problem.status)
    assert body["title"] == problem.title
    assert said["content-type"] == "application/problem+json"
    assert said["content-length"] == str(len(answer.body))
    assert said["cache-control"] == "no-store"
    assert PRIVATE not in str(answer)
    if answer.status == 401:
        assert said["www-authenticate"].startswith("Bearer realm=")
    if answer.status == 503:
        assert int(said["retry-after"]) >= 1


def test_fields_are_listed() -> None:
    """With pointer, code and detail each."""
    problem = InvalidFields(errors=[FieldError("/email", "required", "An address is needed.")])

    body = json.loads(refusal(problem, realm="x").body)

    assert body["errors"] == [{"pointer": "/email", "code": "required", "detail": "An address is needed."}]
    assert body["type"] == "about:blank"


def test_what_a_problem_says_itself_goes_first() -> None:
    """Its own headers are not overwritten, whatever their letter case."""
    problem = Problem(retry_after=5, headers={"Retry-After": "9", "Set-Cookie": "a=b"})

    assert headers_of(problem, realm="x") == {"retry-after": "9", "set-cookie": "a=b"}


def test_invalid_token_is_no_problem_by_itself() -> None:
    """Its reason is private, so somebody has to decide what is said: the guard or the requirement."""
    assert not issubclass(InvalidToken, Problem)
