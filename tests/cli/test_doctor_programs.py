"""``doorward doctor``: asking other programs, within bounds."""

import sys
import time

import pytest

from doorward.cli.doctor.programs import ask


def python(code: str) -> list[str]:
    """A program of one line."""
    return [sys.executable, "-c", code]


async def test_an_answer_has_code_and_both_outputs() -> None:
    """Whatever is not UTF-8 is replaced."""
    code = r"import sys; sys.stdout.buffer.write(b'out\xff'); print('err', file=sys.stderr, end=''); sys.exit(3)"

    answer = await ask(python(code), seconds=20)

    assert answer is not None
    assert (answer.code, answer.output, answer.errors) == (3, "out\ufffd", "err")


async def test_secrets_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that looks up versions has no business with them."""
    monkeypatch.setenv("DOORWARD_SECRET", "canary")

    answer = await ask(python("import os; print('DOORWARD_SECRET' in os.environ, 'PATH' in os.environ)"), seconds=20)

    assert answer is not None
    assert answer.output == "False True\n"


async def test_a_program_that_does_not_end_is_ended() -> None:
    """After its time, not after ours."""
    began = time.perf_counter()

    answer = await ask(python("import signal; signal.pause()"), seconds=0.1)

    assert answer is None
    assert time.perf_counter() - began < 10


async def test_a_program_that_is_not_there_gives_no_answer() -> None:
    """And raises nothing."""
    assert await ask(["/nowhere/doorward-no-such-program"], seconds=1) is None
