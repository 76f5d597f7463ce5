"""What a template sees of the request it answers: ``visit`` and ``form``. Both are made anew for every page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from doorward.core.clock import rfc3339
from doorward.errors import FieldError, Problem
from doorward.settings import Settings
from doorward.verify.model import Principal
from doorward.web import messages
from doorward.web.ages import age
from doorward.web.challenged import Challenged
from doorward.web.page_cookies import Draft
from doorward.web.translation import LANGUAGES, Language, translations


@dataclass(frozen=True, slots=True)
class Blame:
    """The field that a problem is about in this form, and what is said beside it."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that comes back: what was typed (never a password) and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: Problem | None = None
    blames: "Mapping[str, Blame]" = field(default_factory=dict)
    """Which field a problem without fields is about, by the problem's code."""
    challenge: Challenged | None = None
    """What has to be answered before it is sent again."""


NOTHING_SENT: Final = Sent()


class FormView:
    """``form`` in a template: values and errors of each field, translated."""

    def __init__(self, sent: Sent, *, language: Language, settings: Settings) -> None:
        """Translate what is wrong."""
        self._values = sent.values
        self._say = translations(language.code).gettext
        self.title = ""
        """The headline of the problem, or nothing."""
        self.text = ""
        """What it means, if it is about no field."""
        self.challenge = sent.challenge
        """The challenge that comes with the problem, or ``None``."""
        self.errors: dict[str, str] = {}
        """The first error of each field, by the field's name."""
        if sent.problem is not None:
            self._read(sent.problem, sent.blames, settings)

    def _read(self, problem: Problem, blames: Mapping[str, Blame], settings: Settings) -> None:
        title, text = messages.of_problem(problem)
        self.title = self._say(title)
        for error in problem.errors:
            self.errors.setdefault(_field_of(error), self._field(error, settings))
        blamed = blames.get(problem.code)
        if blamed is not None:
            self.errors[blamed.field] = self._say(blamed.text)
        elif not self.errors:
            self.text = self._say(text if self.challenge is None else messages.ONE_MORE_STEP)

    def _field(self, error: FieldError, settings: Settings) -> str:
        text, values = messages.of_field(error, settings)
        said = self._say(text)
        return said % values if values else said

    def value(self, name: str, default: str = "") -> str:
        """Return what was typed into a field, or what stands in it at first."""
        return self._values.get(name, default)

    def keeps(self, name: str) -> bool:
        """Tell whether what was typed into this field is kept, sealed, so that it may be left empty."""
        return self.challenge is not None and self.challenge.secret == name

    def error(self, name: str) -> str:
        """Return what is wrong with a field, or nothing."""
        return self.errors.get(name, "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One language of the switcher."""

    code: str
    name: str
    url: str
    is_current: bool


class Visit:
    """``visit`` in a template: whose request this is, and how forms and links are written for it."""

    def __init__(
        self,
        *,
        language: Language,
        path: str,
        return_to: str,
        challenge: str,
        who: Principal | None,
        owner: str,
        notice: str,
        token: Callable[[], str],
        sections: Sequence[tuple[str, str]],
        mount_path: str,
    ) -> None:
        """Take what the renderer knows; ``token`` is asked only where a form is shown."""
        self.language = language
        self.path = path
        self.return_to = return_to
        """Where a log-in leads, checked; empty: where it goes by default."""
        self._challenge = challenge
        self.is_logged_in = who is not None
        self.owner = owner
        """Whose form this is, for a draft; empty where nobody is logged in."""
        self._token = token
        self._sections = sections
        self._mount_path = mount_path
        self._texts = translations(language.code)
        self.notice = self._texts.gettext(messages.NOTICES[notice]) if notice in messages.NOTICES else ""

    @property
    def form_token(self) -> str:
        """The token of every form on this page."""
        return self._token()

    @property
    def languages(self) -> list[Choice]:
        """This page in every language, with what it needs to go on: the way back, the challenge of a mail."""
        carried = {"return_to": self.return_to, "challenge": self._challenge}
        kept = {name: value for name, value in carried.items() if value}
        here = self._mount_path + quote(self.path)
        return [
            Choice(each.code, each.name, f"{here}?{urlencode({**kept, 'lang': each.code})}", each == self.language)
            for each in LANGUAGES.values()
        ]

    @property
    def sections(self) -> list[tuple[str, str, bool]]:
        """The pages about one's account: path, name, and whether it is this one."""
        return [(path, self._texts.gettext(name), path == self.path) for path, name in self._sections]

    def ago(self, then: int, now: int) -> str:
        """Say how long ago something was."""
        return age(now - then, self._texts)

    def time(self, then: int) -> str:
        """Write a time for the ``datetime`` of a ``time`` element."""
        return rfc3339(then)

    def url(self, path: str) -> str:
        """Return the address of a page of ours, with the way back if there is one."""
        address = self._mount_path + path
        return f"{address}?{urlencode({'return_to': self.return_to})}" if self.return_to else address


def restored(draft: Draft | None) -> Sent:
    """Show a draft like a form that comes back, with nothing wrong with it."""
    return NOTHING_SENT if draft is None else Sent(draft.values)


def _field_of(error: FieldError) -> str:
    return error.pointer.rpartition("/")[2]
