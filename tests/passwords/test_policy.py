"""Which passwords may be chosen."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords.blocklist import Blocklist
from doorward.passwords.policy import Assessment, assess, check_policy, normalise, strength
from doorward.settings import Passwords

LIST = Blocklist()
STANDARD = Passwords()
LONG = Passwords(min_length=15)
BCRYPT = Passwords(algorithm="bcrypt")
LENIENT = Passwords(min_strength=0)


def judge(password: str, chosen: Passwords = STANDARD) -> Assessment:
    """Assess for alice."""
    return assess(
        password,
        settings=chosen,
        email="alice.smith@example.com",
        username="wonder_alice",
        service_name="Harbour Books",
        blocklist=LIST,
    )


def codes(assessment: Assessment) -> list[str]:
    """The codes of an assessment."""
    return [error.code for error in assessment.errors]


@pytest.mark.parametrize(
    ("password", "chosen", "expected"),
    [
        ("correct horse battery staple", STANDARD, []),
        ("xK9#vQ2mLp", STANDARD, []),
        ("zebra umbrella 42", LONG, []),
        ("пароль из трёх слов и больше", STANDARD, []),
        ("🐴🔋📎☃🎈🦊🧊🪁", STANDARD, []),
        ("dieser Satz kein Verb", STANDARD, []),
        (" leading and trailing ", STANDARD, []),
        ("k7#Qz!p", STANDARD, ["password_too_short"]),
        ("zebra umbrella", LONG, ["password_too_short"]),
        ("é" * 7, LENIENT, ["password_too_short", "password_too_common"]),
        ("v8Lq pN2d " * 25 + "abcdef", STANDARD, []),
        ("v8Lq pN2d " * 25 + "abcdefg", STANDARD, ["password_too_long"]),
        ("x" * 5000, STANDARD, ["password_too_long"]),
        ("correct horse battery staple " * 2 + "abcdefghijklmn", BCRYPT, []),
        ("correct horse battery staple " * 2 + "abcdefghijklmno", BCRYPT, ["password_too_long"]),
        ("blücher größe äußerst öfter übung jährlich müßig süß", BCRYPT, []),
        ("☃ snow ☃ wins ☃ over ☃ fire ☃ and ☃ water ☃ and ☃ earth ☃", BCRYPT, ["password_too_long"]),
        ("password", STANDARD, ["password_too_common"]),
        ("PassWord", STANDARD, ["password_too_common"]),
        ("1qaz2wsx3edc", STANDARD, ["password_too_common"]),
        ("kirschbaumblatt", STANDARD, []),
        ("alice.smith@example.com", STANDARD, ["password_too_similar", "password_too_common"]),
        ("harbourbooks1", STANDARD, ["password_too_similar", "password_too_common"]),
        ("02.12.1984", STANDARD, ["password_too_common"]),
        ("02.12.1984", LENIENT, []),
    ],
)
def test_table_of_passwords(password: str, chosen: Passwords, expected: list[str]) -> None:
    """Each rule has its code, and rules that do not exist (composition) refuse nothing."""
    assessment = judge(password, chosen)

    assert codes(assessment) == expected
    assert assessment.acceptable is (not expected)


def test_policy_is_the_errors_of_the_assessment() -> None:
    """Registration asks for the errors, the meter of the form for the score too."""
    errors = check_policy(
        "short",
        settings=STANDARD,
        email=None,
        username=None,
        service_name="doorward",
        blocklist=LIST,
        pointer="/new_password",
    )

    assert [(error.pointer, error.code) for error in errors] == [("/new_password", "password_too_short")]


@pytest.mark.parametrize(
    ("password", "least", "most"),
    [("password", 0, 1), ("correct horse battery staple", 4, 4), ("02.12.1984", 1, 1), ("", 0, 0), ("x" * 5000, 0, 0)],
)
def test_score_runs_from_0_to_4(password: str, least: int, most: int) -> None:
    """The score is zxcvbn's; what is refused as common is never shown as strong."""
    assert least <= judge(password, LENIENT).score <= most


def test_common_passphrase_is_not_shown_as_strong() -> None:
    """The estimator takes a long one from a breach for strong; the list knows better."""
    assessment = judge("leavemealonenow")

    assert codes(assessment) == ["password_too_common"]
    assert assessment.score <= 1


def test_advice_is_told_and_never_contains_the_password() -> None:
    """NIST SP 800-63B-4: the reason is told, and guidance offered."""
    (error,) = judge("02.12.1984").errors

    assert error.detail.startswith("The password is easy to guess. Dates are often easy to guess.")
    assert "1984" not in error.detail


def test_strong_end_counts_behind_a_weak_beginning() -> None:
    """The best of three pieces counts."""
    assert strength("a" * 32)[0] < 2
    assert strength("a" * 64 + "xK9#vQ2mLp!rT5")[0] == 4
    assert strength("a" * 96 + "xK9#vQ2mLp!rT5")[0] < 2


@pytest.mark.parametrize("lookalikes", ["4@8({[<69!|17$5+7" * 2, "p@$$w0rd!|(+{4[<8"])
def test_many_lookalikes_do_not_change_a_verdict(lookalikes: str) -> None:
    """They are taken out before the estimator sees them, and the password stays as strong as it is."""
    assert strength(lookalikes)[0] >= 3


@pytest.mark.parametrize("password", ["nul\0inside", "lone \ud800 surrogate"])
def test_what_is_not_text_is_refused(password: str) -> None:
    """The edge answers 4xx for these."""
    with pytest.raises(ValueError, match="a password cannot contain"):
        normalise(password)


def test_two_keyboards_type_the_same_password() -> None:
    """Composed and decomposed spellings are one (NFC)."""
    assert normalise("Zu\u0308rich") == normalise("Z\u00fcrich") == "Z\u00fcrich"


@pytest.mark.parametrize("password", ["  spaces  ", "UPPER lower", "ﬁ ligature", "Ⅸ", "tab\tinside", "ａ"])
def test_nothing_else_is_changed(password: str) -> None:
    """No trimming, no case folding, no compatibility forms (ASVS 6.2.8)."""
    assert normalise(password) == password


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=300))
def test_normalising_twice_changes_nothing(password: str) -> None:
    """It may be called at every entrance."""
    once = normalise(password)

    assert normalise(once) == once == unicodedata.normalize("NFC", password)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=300),
        st.text(alphabet="4@8({[<69!|17$5+7aelsoc.-/ 1290\t\n", max_size=100),
    ),
    st.sampled_from([STANDARD, LONG, BCRYPT, LENIENT]),
)
def test_any_text_gets_an_answer(password: str, chosen: Passwords) -> None:
    """Whatever is typed: an assessment with known codes and a score in range, never an error."""
    assessment = judge(password, chosen)

    assert 0 <= assessment.score <= 4
    known = {"password_too_short", "password_too_long", "password_too_common", "password_too_similar"}
    assert set(codes(assessment)) <= known
    assert len(password) >= chosen.min_length or assessment.errors
