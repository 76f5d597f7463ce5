"""From a letter and its facts to a mail: one text part and one HTML part that say the same, in one language.

What is put into a sentence is escaped where the sentence becomes HTML, never trusted to be harmless before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from doorward.core.clock import rfc3339
from doorward.mail.letters import FACTS, LETTERS
from doorward.mail.model import Message
from doorward.web.translation import LANGUAGES, translations

CODE_GROUP: Final = 4
"""Digits of a code are shown in groups of so many; whoever types it may leave the space out."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What a mail says."""

    subject: str
    text: str
    html: str


def compose(
    letter: str, *, language: str, service: str, facts: dict[str, Any], link: str = "", code: str = ""
) -> Composed:
    """Write a letter. ``facts`` are ``at``, ``until`` (times), ``device``, ``network`` and ``address`` where known."""
    kind = LETTERS[letter]
    values = {"service": service, "address": facts.get("address", "")}

    tongue = LANGUAGES.get(language, LANGUAGES["en"])

    def say(sentence: str) -> str:
        return translations(tongue.code).gettext(sentence).format_map(values)

    rows = [
        (say(FACTS[name]), value)
        for name, value in (
            ("until", _moment(facts.get("until"))),
            ("at", _moment(facts.get("at"))),
            ("device", facts.get("device") or (say(FACTS["unknown_device"]) if "device" in facts else "")),
            ("network", facts.get("network", "")),
        )
        if value
    ]
    subject = say(kind.subject)
    context = {
        "language": tongue.code,
        "direction": tongue.direction,
        "service": service,
        "subject": subject,
        "sentences": [say(sentence) for sentence in kind.sentences],
        "closing": [say(sentence) for sentence in kind.closing],
        "button": say(kind.button) if kind.button and link else "",
        "link": link,
        "paste": say(FACTS["paste"]),
        "code_label": say(FACTS["code"]),
        "code": " ".join(code[at : at + CODE_GROUP] for at in range(0, len(code), CODE_GROUP)),
        "rows": rows,
        "footer": say(FACTS["footer"]),
    }
    return Composed(
        subject=" ".join(subject.split()),
        text=_templates().get_template("letter.txt").render(context),
        html=_templates().get_template("letter.html").render(context),
    )


def render_page(messages: Sequence[Message], *, style: str) -> str:
    """Write the page that shows the last mails in development; ``style`` is what its policy admits by its hash."""
    return _templates().get_template("development.html").render(messages=messages, style=style)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("doorward.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _moment(seconds: int | None) -> str:
    return "" if seconds is None else rfc3339(seconds).replace("T", " ").replace(":00Z", " UTC").replace("Z", " UTC")
