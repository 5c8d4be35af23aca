"""The gateway's OpenAPI schema: common errors, tokens, and content routes."""

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
                "kind": {"type": "string", "description": "Kind of error."},
                "message": {"type": "string", "description": "What is wrong, as a sentence."},
            },
        },
        "request_id": {
            "type": ["string", "null"],
            "description": "Id to search for in the gateway's log.",
        },
    },
}
REASONS = {
    "400": "the request is invalid",
    "401": "a token is required",
    "403": "the token does not allow it",
    "404": "not found",
    "408": "the request was not received in time",
    "409": "conflict with the current state",
    "412": "a precondition failed",
    "413": "the body is too large",
    "422": "a parameter is invalid",
    "429": "too many requests; retry after the time in `Retry-After`",
    "431": "the request head is too large",
    "500": "internal error",
    "501": "the method, or a transfer coding, is not supported",
    "502": "a storage failed",
    "503": "temporarily unavailable; try again in a moment",
    "504": "a storage did not respond in time",
    "507": "there is not enough space",
}
_PARAMETERS = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": text,
    }
    for name, text in {
        "tenant": "Name of the tenant.",
        "repository": "Name of the repository, optionally with @ and a version number or time.",
        "path": "Path in the repository; a folder ends in a slash.",
    }.items()
]


def describe(api: FastAPI) -> None:
    """Use this module for an application's schema."""

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
        "get": _content("Send a file, or list a folder."),
        "head": _content("Return the headers of a file."),
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
            "200": {"description": "The file, or a directory listing.", "content": {"*/*": {}}},
            "206": {"description": "A part of the file.", "content": {"*/*": {}}},
            "301": {"description": "Redirect to the folder with a trailing slash."},
            "302": {"description": "Redirect to a signed link to the file in its store."},
            "304": {"description": "Not modified."},
            "412": {"description": "A precondition failed."},
            "416": {"description": "The range is invalid."},
        },
    }
