"""The catalogue of settings, as it is read off the types."""

from doorward.configuration.catalogue import entries, sections, value_of
from doorward.settings import Mail, Settings


def test_every_setting_is_listed_under_its_dotted_name() -> None:
    """What ``settings.py`` has, the catalogue has."""
    names = set(entries())

    assert {"origin", "secret", "serving.port", "tokens.access_lifetime", "passwords.pepper", "mail.from"} <= names


def test_sections_keep_the_order_of_the_source_and_its_sentences() -> None:
    """The reference page reads like the module."""
    listed = sections()

    assert [section.name for section in listed][:3] == ["", "serving", "database"]
    assert listed[2].description == "Where everything is kept."


def test_variable_names_have_the_section_and_two_underscores() -> None:
    """The names are promised by the HTTP contract."""
    lifetime = entries()["tokens.access_lifetime"]

    assert lifetime.variable == "DOORWARD_TOKENS__ACCESS_LIFETIME"
    assert lifetime.file_variable is None


def test_only_secrets_can_be_read_from_a_file_of_their_own() -> None:
    """``DOORWARD_SECRET_FILE`` is for secret managers that mount files."""
    with_file = {entry.dotted: entry.file_variable for entry in entries().values() if entry.file_variable}

    assert with_file == {"secret": "DOORWARD_SECRET_FILE", "passwords.pepper": "DOORWARD_PASSWORDS__PEPPER_FILE"}


def test_the_senders_setting_is_called_from_although_python_cannot() -> None:
    """``from`` is a keyword, so the attribute has an underscore and nobody else needs to know."""
    sender = entries()["mail.from"]

    found = value_of(Settings(mail=Mail(from_="door@example.org")), sender)

    assert (sender.variable, found) == ("DOORWARD_MAIL__FROM", "door@example.org")


def test_kinds_and_bounds_come_from_the_types() -> None:
    """A number knows its bounds, a duration is one by its unit, a choice by its words."""
    known = entries()

    kinds = {
        name: known[name].kind for name in ("serving.port", "tokens.access_lifetime", "tokens.algorithm", "data_dir")
    }

    assert kinds == {
        "serving.port": "number",
        "tokens.access_lifetime": "duration",
        "tokens.algorithm": "choice",
        "data_dir": "path",
    }
    assert (known["serving.port"].least, known["serving.port"].most) == (0, 65535)
    assert (known["tokens.access_lifetime"].least, known["tokens.access_lifetime"].most) == (30, 86400)
    assert known["tokens.algorithm"].choices == ("ES256", "EdDSA", "RS256")
    assert known["serving.http_port"].optional
    assert not known["serving.port"].optional
