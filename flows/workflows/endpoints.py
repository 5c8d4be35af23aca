"""Sources and destinations of a workflow file: turn their keys into repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from blocks.credentials import merged_settings
from blocks.repository import Repository
from blocks.resolve import NAME, repository
from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from flows.workflows.syntax import Fields, check_keys
from providers.fsspec.memory import MemorySettings
from providers.registry import provider, registered_providers
from providers.s3.settings import S3Settings

DRIVE = (
    "type 'drive' is not supported: use type fsspec, such as `url: gdrive://folder` with the "
    "package gdrive-fsspec, see docs/workflows.md"
)
STORED, NOOP = "repository", "noop"
SHARED = tuple(name for name in Repository.model_fields if name not in ("storage", "path"))
"""Keys that every type has: how the repository behaves, whatever its storage."""
CREDENTIALS = ("storage_key", "storage_params")
INGEST = {"accessKeyID": "access_key_id", "secretAccessKey": "secret_access_key"}
AWS = "s3.amazonaws.com"


class EndpointRole(StrEnum):
    """Which of the two lists an endpoint is in."""

    SOURCE = "source"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class WorkflowEndpoint:
    """One source or destination: a repository defined in the file, or the name of a stored one."""

    name: str
    role: EndpointRole
    repository: Repository | None
    reference: str = ""
    recursive: bool = True  # files in subfolders are included
    marked: bool = False  # by the strategy `marker`
    in_memory: bool = False  # it exists only in one process

    @property
    def place(self) -> Repository | str:
        """Return the repository or name that a flow takes."""
        return self.reference if self.repository is None else self.repository

    @property
    def identity(self) -> str:
        """Return what is equal for two names of the same place."""
        return self.reference if self.repository is None else self.repository.address


def parse_endpoint(name: str, role: EndpointRole, fields: Fields) -> WorkflowEndpoint:
    """Return the source or destination that its keys describe.

    Raises:
        InvalidInput: a key or a value is invalid; the error names the endpoint and the key.
    """
    where = f"{role.value} {name!r}"
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise InvalidInput(f"{where}: expected `type` to be a text, found {kind!r}")
    keys = {key: value for key, value in fields.items() if key != "type"}
    try:
        if kind == STORED:
            check_keys(keys, ("repository",), where)
            return _stored(name, role, _text(keys, "repository"))
        if kind == NOOP:
            return _noop(name, role, keys, where)
        if kind == "drive":
            raise InvalidInput(DRIVE)
        if kind == "s3":
            return _s3(name, role, keys, where)
        return WorkflowEndpoint(name, role, _repository(kind, keys, where))
    except ValidationError as error:
        raise InvalidInput(f"{where}: {describe_errors(error)}") from None
    except InvalidInput as error:
        text = str(error)
        raise InvalidInput(text if text.startswith(where) else f"{where}: {text}") from error


def describe_errors(error: ValidationError) -> str:
    """Return pydantic's errors in one line, without the values, which may be secrets."""
    return "; ".join(
        ": ".join(
            [*([".".join(map(str, problem["loc"]))] if problem["loc"] else []), problem["msg"]]
        )
        for problem in error.errors(include_input=False, include_url=False)
    )


def _repository(kind: str, keys: Mapping[str, Any], where: str) -> Repository:
    if kind not in registered_providers():
        known = ", ".join(sorted({*registered_providers(), STORED, NOOP}))
        raise InvalidInput(f"there is no type {kind!r}; known: {known}")
    own = tuple(name for name in provider(kind).model_fields if name != "type")
    shared = tuple(name for name in SHARED if name not in own)
    check_keys(keys, (*own, *CREDENTIALS, *shared), where)
    storage = {key: value for key, value in keys.items() if key in own or key in CREDENTIALS}
    return Repository(
        storage=merged_settings({"type": kind, **storage}),
        **{key: value for key, value in keys.items() if key in shared},
    )


def _s3(name: str, role: EndpointRole, keys: Mapping[str, Any], where: str) -> WorkflowEndpoint:
    """Accept ingest's keys as well as our own; `insecure` means HTTP without TLS, as in ingest."""
    own = tuple(key for key in S3Settings.model_fields if key not in ("type", *INGEST.values()))
    extra = ("recursive",) if role is EndpointRole.SOURCE else ("metafilesPrefix",)
    check_keys(keys, (*own, *INGEST, *INGEST.values(), *extra, *CREDENTIALS, *SHARED), where)
    values = {INGEST.get(key, key): value for key, value in keys.items() if key not in extra}
    values["endpoint"] = _endpoint(values.get("endpoint", ""), values.pop("insecure", False))
    meta = _text(keys, "metafilesPrefix", "")
    if meta:
        if "markers" in values:
            raise InvalidInput("give `metafilesPrefix` or `markers`, not both")
        values["markers"] = f"/{clean_prefix(meta)}"
    repository = _repository("s3", values, where)
    if meta:  # ingest's markers are relative to the bucket, not to its prefix
        storage = repository.storage
        prefix = clean_prefix(str(getattr(storage, "prefix")))  # noqa: B009 - of any storage
        root = storage.model_copy(update={"prefix": ""})
        kept = {key: getattr(repository, key) for key in SHARED if key != "markers"}
        repository = Repository(storage=root, path=prefix, markers=values["markers"], **kept)
    recursive = keys.get("recursive", False) if role is EndpointRole.SOURCE else True
    if not isinstance(recursive, bool):
        raise InvalidInput(f"expected `recursive` to be true or false, found {recursive!r}")
    return WorkflowEndpoint(name, role, repository, recursive=recursive, marked=bool(meta))


def _endpoint(endpoint: object, insecure: object) -> str:
    """Return the URL of an S3 endpoint, which ingest names by its host."""
    if not isinstance(endpoint, str):
        raise InvalidInput(f"expected `endpoint` to be a text, found {endpoint!r}")
    if not isinstance(insecure, bool):
        raise InvalidInput(f"expected `insecure` to be true or false, found {insecure!r}")
    if "://" in endpoint:
        if insecure and not endpoint.startswith("http://"):
            raise InvalidInput(
                f"`insecure` means http://, but `endpoint` begins with "
                f"{endpoint.partition('://')[0]}://"
            )
        return endpoint
    if endpoint in ("", AWS):
        return ""
    return f"{'http' if insecure else 'https'}://{endpoint}"


def _stored(name: str, role: EndpointRole, text: str) -> WorkflowEndpoint:
    """Return the endpoint for a stored block's name, a path or a URL."""
    if NAME.match(text):
        return WorkflowEndpoint(name, role, None, text)
    return WorkflowEndpoint(name, role, repository(text))


def _noop(name: str, role: EndpointRole, keys: Mapping[str, Any], where: str) -> WorkflowEndpoint:
    check_keys(keys, ("error",), where)
    if "error" in keys:
        raise InvalidInput(f"its key `error` is set: {keys['error']}")
    folder = MemorySettings(path=f"noop/{role.value}/{name}")
    return WorkflowEndpoint(name, role, Repository(storage=folder), in_memory=True)


def _text(keys: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = keys.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise InvalidInput(f"expected `{key}` to be a text, found {value!r}")
    return value
