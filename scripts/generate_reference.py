"""Write the pages of ``docs/reference/`` that are made from the code: errors, settings, commands, events, the HTTP API.

``make docs`` writes them; ``tests/docs`` compares them, so that a new setting, code, event, command or path without
its entry fails. Whatever a page says is taken from the docstring or description beside the thing itself.
"""

import inspect
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs`. Change the code it is made from, not this page. -->"
FIELD_CODES: Mapping[str, str] = {
    "required": "The member is missing.",
    "unknown_field": "There is no such member.",
    "wrong_type": "The member has another type, or a value outside what is allowed.",
    "too_short": "The value is shorter than allowed.",
    "too_long": "The value is longer than allowed.",
    "invalid_email": "This is not an e-mail address.",
    "invalid_username": "A username has other characters or another length.",
    "password_too_short": "The password has fewer code points than the policy wants.",
    "password_too_long": "The password has more code points, or for bcrypt more bytes, than can be hashed.",
    "password_too_common": "The password is on the list of common ones, or too easy to guess.",
    "password_too_similar": "The password resembles the e-mail address, the username or the name of the service.",
    "password_breached": "The password is known from a breach.",
}
"""What the codes of a ``FieldError`` mean; a test sees to it that the source uses no other."""

ROLE = re.compile(r":\w+:`~?([^`]+)`")


def prose(text: str | None) -> str:
    """Turn a docstring into Markdown: reStructuredText's double backquotes and roles become single backquotes."""
    return ROLE.sub(r"`\1`", inspect.cleandoc(text or "")).replace("``", "`")


def paragraph(text: str | None) -> str:
    """Turn a docstring into one line of Markdown, safe inside a table."""
    return " ".join(prose(text).split()).replace("|", "\\|")


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def page(title: str, introduction: str, lines: Iterator[str]) -> str:
    """Put a page together."""
    return "\n".join([f"# {title}", "", NOTE, "", introduction, "", *lines]).rstrip() + "\n"


# --- errors ---------------------------------------------------------------------------------------------------------


def errors() -> str:
    """Every code a caller may see; the ``type`` of a problem points to its heading here."""
    import doorward.app
    import doorward.verify  # noqa: F401 - one code is known to services behind only, and is registered there
    from doorward.errors import CODES

    def lines() -> Iterator[str]:
        yield from table(
            ["code", "status", "title"],
            [
                [f"[`{code}`](#{code})", str(problem.status), problem.title]
                for code, problem in sorted(CODES.items(), key=lambda item: (item[1].status, item[0]))
            ],
        )
        for code, problem in sorted(CODES.items()):
            yield from (
                "",
                f"## {code}",
                "",
                f"**{problem.status} {HTTPStatus(problem.status).phrase}** · {problem.title}",
            )
            yield from ("", paragraph(problem.__doc__), "", f"> {problem.detail}")
        yield from ("", "## Codes of fields", "")
        yield "The members of `errors` in an [`invalid_fields`](#invalid_fields) answer."
        yield ""
        yield from table(["code", "meaning"], [[f"`{code}`", paragraph(text)] for code, text in FIELD_CODES.items()])

    return page(
        "Errors",
        "An error is an RFC 9457 problem, `application/problem+json`, with `type`, `title`, `status`, `detail` and"
        " `code`. Codes and their status never change; the words may. Programs read `code`.",
        lines(),
    )


# --- settings -------------------------------------------------------------------------------------------------------


def settings() -> str:
    """Every setting, by section; the command line renders the same page."""
    from doorward.cli.settings_reference import render

    return render()


# --- commands -------------------------------------------------------------------------------------------------------


def commands_of(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The context of a command and of every command below it; it knows the words that call the command."""
    context = click.Context(command, info_name="doorward" if parent is None else command.name, parent=parent)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands_of(below, context)


def parameters_of(command: click.Command) -> Iterator[list[str]]:
    """A row for each argument and option."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
            yield [names, paragraph(parameter.help)]
        elif isinstance(parameter, click.Argument):
            yield [f"`{parameter.human_readable_name}`", "required" if parameter.required else "optional"]


def commands() -> str:
    """Every command with its arguments and options."""
    from doorward.cli.main import doorward

    def lines() -> Iterator[str]:
        for context in commands_of(doorward):
            yield from (
                f"## {context.command_path}",
                "",
                prose(re.sub("[\b\f]\n?", "", context.command.help or "")),
                "",
            )
            rows = list(parameters_of(context.command))
            if rows:
                yield from table(["argument or option", "meaning"], rows)
                yield ""

    return page(
        "Commands",
        "Passwords and tokens are read from standard input, never from an argument. `doorward COMMAND --help` shows"
        " the same.",
        lines(),
    )


# --- events ---------------------------------------------------------------------------------------------------------


def events() -> str:
    """Every event that a host can subscribe to and that the audit trail keeps."""
    from doorward import hooks

    kinds = [kind for kind in vars(hooks).values() if isinstance(kind, type) and issubclass(kind, hooks.Event)]

    def lines() -> Iterator[str]:
        for kind in kinds:
            if kind is hooks.Event:
                continue
            yield from (f"## {kind.__name__}", "", f"`{kind.name}` · {paragraph(kind.__doc__)}", "")
            for field in fields(kind):
                optional = "" if field.default is MISSING else f", default `{field.default}`"
                yield f"- `{field.name}`: `{spelling(field.type)}`{optional}"
            yield ""

    return page("Events", prose(hooks.__doc__).partition("\n\n")[2], lines())


def spelling(annotation: object) -> str:
    """Write a type as the source does."""
    return (
        annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation)
    )


# --- the HTTP API ---------------------------------------------------------------------------------------------------


def resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference inside the document."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def kind_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Name a schema's type in a word or two."""
    if "$ref" in schema:
        schema = resolve(document, schema)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(document, each) for each in schema[union]))
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if schema.get("type") == "array":
        return "array of " + kind_of(document, schema.get("items", {}))
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def members(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """A list item for each member of an object."""
    schema = resolve(document, schema)
    for union in ("anyOf", "oneOf"):
        for number, each in enumerate(schema.get(union, ())):
            yield from (["", "or", ""] if number else [])
            yield from members(document, each)
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        description = resolve(document, member).get("description", "")
        optional = "" if name in required else ", optional"
        yield f"- `{name}`: {kind_of(document, member)}{optional}" + (
            f". {paragraph(description)}" if description else ""
        )


def body_of(document: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[str]:
    """The members of a request body or an answer."""
    for media in resolve(document, node).get("content", {}).values():
        yield from members(document, media.get("schema", {}))


def answers_of(document: Mapping[str, Any], responses: Mapping[str, Any]) -> Iterator[str]:
    """What comes back: a paragraph for each success, one line for all refusals."""
    refusals = []
    for status, answer in responses.items():
        if str(status).startswith(("4", "5")):
            codes = re.findall(r"`(\w+)`", resolve(document, answer).get("description", ""))
            refusals += [f"{status} " + ", ".join(f"[`{code}`](errors.md#{code})" for code in codes)]
        else:
            content = list(body_of(document, answer))
            yield from (f"Answer **{status}**" + (":" if content else ", without a body."), "")
            yield from (*content, "") if content else ()
    if refusals:
        yield from ("Refused with " + "; ".join(refusals) + ".", "")


def api() -> str:
    """Every path and method of the OpenAPI document."""
    from doorward import Doorward, Settings
    from doorward.core.secret import Secret
    from doorward.settings import Accounts, StatusLists
    from doorward.web.openapi import document as build

    settings = Settings(
        secret=(Secret(secrets.token_urlsafe(32)),),
        accounts=Accounts(email_verification="off"),
        status_lists=StatusLists(enabled=True),
    )
    document = build(Doorward(settings).operations(), issuer="", title="", version="")

    def lines() -> Iterator[str]:
        for path, item in document["paths"].items():
            for method, operation in item.items():
                yield from (f"## {method.upper()} {path}", "", prose(operation.get("summary")), "")
                if operation.get("description"):
                    yield from (prose(operation["description"]), "")
                for parameter in operation.get("parameters", ()):
                    named = resolve(document, parameter)
                    yield f"- `{named['name']}` in {named['in']}: {paragraph(named.get('description'))}"
                if "requestBody" in operation:
                    yield from ("Request:", "", *body_of(document, operation["requestBody"]), "")
                yield from answers_of(document, operation.get("responses", {}))

    return page(
        "HTTP API",
        "The same as `/openapi.json` of a running server. Errors are listed in [errors](errors.md).",
        lines(),
    )


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors,
    "settings.md": settings,
    "commands.md": commands,
    "events.md": events,
    "api.md": api,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, build in PAGES.items():
        (FOLDER / name).write_text(build(), encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
