"""From ``:name`` to ``$1``, and from a script to its statements."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.db.placeholders import numbered, split

NAMES = st.sampled_from(["id", "now", "a_1", "_x", "Generation"])
QUOTED = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
LEFT_ALONE = st.one_of(
    QUOTED.map(lambda text: "'" + text.replace("'", "''") + "'"),
    QUOTED.map(lambda text: '"' + text.replace('"', '""') + '"'),
    QUOTED.map(lambda text: "--" + text.replace("\n", " ") + "\n"),
    QUOTED.map(lambda text: "/*" + text.replace("*", "+") + "*/"),
    QUOTED.map(lambda text: "$tag$" + text.replace("$", "€") + "$tag$"),
    st.sampled_from(["::bigint", "::text", " x ", " = ", ", ", "(", ")", "12", "\n", " "]),
)
PIECES = st.lists(st.one_of(LEFT_ALONE.map(lambda text: (text, None)), NAMES.map(lambda name: (f":{name}", name))))


@given(PIECES)
def test_only_parameters_are_replaced(pieces: list[tuple[str, str | None]]) -> None:
    """Whatever stands in strings, quoted names, comments and casts is kept, letter by letter."""
    sql = " ".join(text for text, _ in pieces)

    text, names = numbered(sql)

    used = [name for _, name in pieces if name is not None]
    assert names == tuple(dict.fromkeys(used))
    assert text == " ".join(piece if name is None else f"${names.index(name) + 1}" for piece, name in pieces)


@pytest.mark.parametrize(
    ("sql", "expected", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::bigint", "SELECT $1::bigint", ("a",)),
        ("SELECT ':a', \":b\" -- :c\n, :d /* :e\n */", "SELECT ':a', \":b\" -- :c\n, $1 /* :e\n */", ("d",)),
        ("SELECT 'it''s :a' || :b", "SELECT 'it''s :a' || $1", ("b",)),
        ("SELECT $$ :a $$, :b", "SELECT $$ :a $$, $1", ("b",)),
        ("SELECT 1", "SELECT 1", ()),
    ],
)
def test_the_known_cases(sql: str, expected: str, names: tuple[str, ...]) -> None:
    """The table of what may stand beside a parameter."""
    assert numbered(sql) == (expected, names)


@given(st.lists(NAMES, max_size=6), QUOTED.map(lambda text: text.replace("'", "''")))
def test_sqlite_sees_the_same_parameters(names: list[str], text: str) -> None:
    """SQLite's own reading of ``:name`` agrees with ours."""
    sql = "SELECT " + ", ".join([f"'{text}' /* :no */", *(f":{name}" for name in names)])

    _, ours = numbered(sql)

    row = sqlite3.connect(":memory:").execute(sql, {name: name for name in ours}).fetchone()
    assert list(row[1:]) == names


@given(st.lists(LEFT_ALONE.filter(lambda text: text.strip() and not text.startswith(("--", "/*")))))
def test_a_script_is_split_at_its_semicolons_only(statements: list[str]) -> None:
    """A semicolon in a string or a comment ends nothing."""
    script = " ; ".join(statements)

    assert list(split(script)) == [statement.strip() for statement in statements]


def test_comments_alone_are_no_statement() -> None:
    """A licence header or a remark at the end is not sent to the engine."""
    script = "-- first; a remark\nSELECT 1;\n/* nothing; here */ ; \n-- the end"

    assert list(split(script)) == ["-- first; a remark\nSELECT 1"]
