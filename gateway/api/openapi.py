"""The description of the gateway's own interface: errors in one shape, tokens, and content."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message"],
            "properties": {
                "kind": {"type": "string", "description": "What kind of error it is."},
                "message": {"type": "string", "description": "What is wrong, in a sentence."},
            },
        },
        "request_id": {
            "type": ["string", "null"],
            "description": "What to look for in the gateway's log.",
        },
    },
}
REASONS = {
    "400": "what was given cannot be used",
    "401": "a token is needed",
    "403": "the token does not allow it",
    "404": "there is nothing of that name",
    "408": "the request took too long to come",
    "409": "it contradicts what is there",
    "412": "a condition of the request does not hold",
    "413": "the body is too large",
    "422": "a parameter is not of its form",
    "429": "too many requests; `Retry-After` says when to try again",
    "431": "the head is too large",
    "500": "the gateway failed",
    "501": "the method, or a transfer coding, is not known",
    "502": "a storage failed",
    "503": "try again in a moment",
    "504": "a storage did not answer in time",
    "507": "there is no room left",
}
_PARAMETERS = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": told,
    }
    for name, told in {
        "tenant": "Whose content.",
        "repository": "A repository's name, and perhaps @ with a version's number or a time.",
        "path": "The path in it; a folder ends in a slash.",
    }.items()
]


def describe(api: FastAPI) -> None:
    """Let an application describe itself by this module."""

    def schema() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _schema(api)
        return api.openapi_schema

    api.openapi = schema  # type: ignore[method-assign]


def _schema(api: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=api.title, version=api.version, summary=api.summary, routes=api.routes
    )
    schema["paths"]["/content/{tenant}/{repository}/{path}"] = {
        "parameters": _PARAMETERS,
        "get": _content("Send a file, or show a folder."),
        "head": _content("Tell of a file what a GET would."),
    }
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Error"] = ERROR
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "login": {
            "type": "http",
            "scheme": "basic",
            "description": "The token as the password, for browsers.",
        },
    }
    schema["security"] = [{"token": []}, {"login": []}, {}]
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                _add_errors(operation)
    return schema


def _add_errors(operation: dict[str, Any]) -> None:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses = operation["responses"]
    for status, why in REASONS.items():
        if status == "422" or status not in responses:
            responses[status] = {"description": why, "content": error}


def _content(summary: str) -> dict[str, Any]:
    return {
        "tags": ["content"],
        "summary": summary,
        "responses": {
            "200": {"description": "The file, or the page of a folder.", "content": {"*/*": {}}},
            "206": {"description": "A part of the file.", "content": {"*/*": {}}},
            "301": {"description": "A folder was asked for without its slash."},
            "302": {"description": "A signed link to the file in its store."},
            "304": {"description": "The client has it already."},
            "412": {"description": "A condition does not hold."},
            "416": {"description": "No such part."},
        },
    }
