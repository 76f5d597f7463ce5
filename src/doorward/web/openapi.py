"""The contract, generated from the operations: OpenAPI 3.1."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from doorward.errors import CODES
from doorward.web.browser import HOST_COOKIE
from doorward.web.routing import Operation

OPENAPI_VERSION: Final = "3.1.0"

EVERYWHERE: Final = ("malformed_request", "body_too_large", "unsupported_media_type")
"""What every operation that reads a body may answer besides."""


def document(
    operations: Sequence[Operation], *, issuer: str, title: str, version: str, cookie: str = HOST_COOKIE.name.decode()
) -> dict[str, Any]:
    """Make the OpenAPI document of the operations; ``cookie`` is the name of the instance's session cookie."""
    shown = [operation for operation in operations if operation.documented]
    kinds = [kind for operation in shown for kind in _kinds(operation)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(id, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schema_of)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": issuer}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM, "OAuthError": _OAUTH_ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": cookie},
                "service": {"type": "http", "scheme": "basic", "description": "Name and key of a service."},
            },
        },
    }


def _kinds(operation: Operation) -> list[Any]:
    answers = [kind for answer in operation.answers.values() if answer is not None for kind in _alternatives(answer)]
    return [kind for kind in (operation.reads, operation.form) if kind is not None] + answers


def _alternatives(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _operation(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_"),
        "responses": {},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{([a-z_]+)\}", operation.path)
    ] + [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in operation.query]
    if parameters:
        described["parameters"] = parameters
    if operation.needs_caller:
        described["security"] = [{"bearer": []}, {"cookie": []}]
    is_oauth = operation.form is not None
    if is_oauth:
        described["security"] = [{"service": []}]
    for kind, media in ((operation.reads, "application/json"), (operation.form, "application/x-www-form-urlencoded")):
        if kind is not None:
            described["requestBody"] = {"required": True, "content": {media: {"schema": schema_of[id(kind)]}}}
    for status, kind in operation.answers.items():
        described["responses"][str(status)] = _answer(operation, kind, schema_of)
    for status, codes in sorted(_problems(operation).items()):
        described["responses"].setdefault(
            str(status),
            {
                "description": " · ".join(f"`{code}`" for code in codes),
                "content": _OAUTH_CONTENT if is_oauth else _PROBLEM_CONTENT,
            },
        )
    return described


def _answer(operation: Operation, answer: Any, schema_of: dict[int, Any]) -> dict[str, Any]:
    if answer is None:
        return {"description": "Done."}
    schemas = [schema_of[id(kind)] for kind in _alternatives(answer)]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"description": "Done.", "content": {operation.media_type: {"schema": schema}}}


def _problems(operation: Operation) -> dict[int, list[str]]:
    codes = [*operation.problems]
    if operation.needs_caller:
        codes += ["invalid_token", "session_ended", "invalid_request", "cross_site_request"]
    if operation.reads is not None:
        codes += EVERYWHERE
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return by_status


_PROBLEM_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OAUTH_CONTENT: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}}

_OAUTH_ERROR: Final[dict[str, Any]] = {
    "title": "OAuthError",
    "type": "object",
    "description": "RFC 6749 section 5.2.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}

_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. `code` is stable; the rest is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
