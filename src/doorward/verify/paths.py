"""Which paths need a log-in. Pure; every adapter asks here.

A door is only as good as its idea of the path: whatever the host's router takes for ``/admin`` must be ``/admin``
here too (Oathkeeper CVE-2026-33494, starlette CVE-2026-48710). So this looks at the path that the router will match,
never at a URL or a Host header, and a path that somebody between here and the handler might read differently is never
public and never optional.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from doorward.errors import Finding, Misconfigured

Access = Literal["protected", "optional", "public"]

EVERYTHING: Final = "/*"
"""The rule that names every path; ``/`` is the root page alone, so that a public home page opens nothing else."""

_DOUBTFUL: Final = r"\x00-\x1f\x7f-\xa0\\%;?#\u2028\u2029\ud800-\udfff\ufeff\ufffd"
"""Controls, backslash, anything still percent-encoded, path parameters, what was no UTF-8 (the replacement character or
a lone surrogate): characters that proxies, routers and file systems read differently."""

_CANONICAL: Final = re.compile(rf"(?:/[^/{_DOUBTFUL}]*[^/. {_DOUBTFUL}])*/?")
"""Segments that are not empty and do not end in a dot or a space; that leaves out ``.`` and ``..`` too."""

_STRICTNESS: Final[Mapping[Access, int]] = {"public": 0, "optional": 1, "protected": 2}


class Rules:
    """Path prefixes by access. A rule means itself and everything below it, by segments; the longest match wins.

    ``/reports`` covers ``/reports`` and ``/reports/2026``, not ``/reports-old``; ``/reports/*`` says the same. ``/`` is
    the root page alone and ``/*`` is everything. What no rule names is protected.
    """

    __slots__ = ("_by_prefix", "_default", "_folded")

    def __init__(
        self, *, protected: Iterable[str] = (), public: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> None:
        """Take the rules. Raises :class:`~doorward.errors.Misconfigured` for one that is malformed or there twice."""
        given: tuple[tuple[Access, Iterable[str]], ...] = (
            ("protected", protected),
            ("public", public),
            ("optional", optional),
        )
        findings: list[Finding] = []
        self._by_prefix: dict[str, Access] = {}
        self._folded: dict[str, Access] = {}
        for access, prefixes in given:
            if isinstance(prefixes, str):
                findings.append(Finding(f"Guard: {access}={prefixes!r} is one text.", "Give a list of path prefixes."))
                continue
            for rule in prefixes:
                prefix = rule.removesuffix("/*") if len(rule) > 3 else rule  # "//*" is none
                findings.extend(_findings(prefix, access, self._by_prefix.get(prefix)))
                self._by_prefix[prefix] = access
                self._folded[_fold(prefix)] = stricter(access, self._folded.get(_fold(prefix), access))
        if findings:
            raise Misconfigured(*findings)
        self._default = self._by_prefix.get(EVERYTHING, "protected")

    def classify(self, path: str, root_path: str = "") -> Access:
        """Say what a request needs. ``path`` is decoded once, as ASGI has it, and may start with ``root_path``.

        Where the possible readings of the path differ (with or without ``root_path``, with the letter case and
        compatibility characters folded), the stricter one wins.
        """
        seen = router_path(path, root_path)
        if seen is None or not is_canonical(path) or not is_canonical(seen):
            return "protected"
        access = _longest(self._by_prefix, seen) or self._default
        if access == "protected":
            return access
        folded = _fold(seen)
        if not is_canonical(folded):
            return "protected"
        access = stricter(access, _longest(self._folded, folded) or self._default)
        if root_path and (_longest(self._folded, _fold(path)) == "protected"):
            return "protected"
        return access


def router_path(path: str, root_path: str) -> str | None:
    """Return the part of ``path`` that the router matches, as Starlette, Django and Quart take ``root_path`` off.

    ``None`` where they would not agree: ``root_path`` ends in the middle of a segment, or stands elsewhere in the path.
    """
    if not root_path or root_path not in path:
        return path
    if not path.startswith(root_path):
        return None
    rest = path[len(root_path) :]
    return rest if rest.startswith("/") else None


def is_canonical(path: str) -> bool:
    """Tell whether everybody reads the path alike: absolute, no empty, dotted or doubtful segment, nothing encoded."""
    return path.startswith("/") and _CANONICAL.fullmatch(path) is not None


def stricter(one: Access, other: Access) -> Access:
    """Return the access that asks for more."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other


def _longest(by_prefix: Mapping[str, Access], path: str) -> Access | None:
    prefix = path
    while prefix:
        access = by_prefix.get(prefix)
        if access is not None:
            return access
        prefix = prefix[: prefix.rfind("/")]
    return None


def _fold(path: str) -> str:
    return (path if path.isascii() else unicodedata.normalize("NFKC", path)).casefold()


def _findings(prefix: str, access: Access, before: Access | None) -> list[Finding]:
    if before is not None:
        return [Finding(f"Guard: {prefix!r} is listed twice, as {before} and as {access}.", "Keep one of them.")]
    if prefix in ("/", EVERYTHING):
        return []
    if not is_canonical(prefix) or prefix.endswith("/") or "*" in prefix or "{" in prefix:
        return [
            Finding(
                f"Guard: {access} path {prefix!r} is not a plain path prefix.",
                "Write it as the router sees it, decoded, for example '/reports': it covers everything below.",
            )
        ]
    return []
