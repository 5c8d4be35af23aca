"""Sources and destinations of a workflow file: from their keys to a repository."""

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
    "type 'drive': a drive is reached by type fsspec, such as `url: gdrive://folder` with the "
    "package gdrive-fsspec; docs/workflows.md tells how"
)
STORED, NOOP = "repository", "noop"
SHARED = tuple(name for name in Repository.model_fields if name not in ("storage", "path"))
"""What every type may say beside its own: how the repository behaves, whatever its storage."""
CREDENTIALS = ("storage_key", "storage_params")
INGEST = {"accessKeyID": "access_key_id", "secretAccessKey": "secret_access_key"}
AWS = "s3.amazonaws.com"


class Role(StrEnum):
    """Which of the two lists an end stands in."""

    SOURCE = "source"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class WorkflowEndpoint:
    """One source or destination: a repository of the file's own, or what leads to a stored one."""

    name: str
    role: Role
    repository: Repository | None
    reference: str = ""
    deep: bool = True  # files in folders take part
    marked: bool = False
    passing: bool = False  # it is gone with the process

    @property
    def place(self) -> Repository | str:
        """Return what a flow takes."""
        return self.reference if self.repository is None else self.repository

    @property
    def identity(self) -> str:
        """Return what two names of one place have in common."""
        return self.reference if self.repository is None else self.repository.address


def end_of(name: str, role: Role, fields: Fields) -> WorkflowEndpoint:
    """Return what the keys of a source or destination mean.

    Raises:
        InvalidInput: a key or a value cannot be used; it names the end and the key.
    """
    where = f"{role.value} {name!r}"
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise InvalidInput(f"{where}: `type` is to be a text, found {kind!r}")
    given = {key: value for key, value in fields.items() if key != "type"}
    try:
        if kind == STORED:
            check_keys(given, ("repository",), where)
            return _stored(name, role, _text(given, "repository"))
        if kind == NOOP:
            return _noop(name, role, given, where)
        if kind == "drive":
            raise InvalidInput(DRIVE)
        if kind == "s3":
            return _s3(name, role, given, where)
        return WorkflowEndpoint(name, role, _repository(kind, given, where))
    except ValidationError as error:
        raise InvalidInput(f"{where}: {told(error)}") from None
    except InvalidInput as error:
        text = str(error)
        raise InvalidInput(text if text.startswith(where) else f"{where}: {text}") from error


def told(error: ValidationError) -> str:
    """Return what pydantic refuses in one line, without what was given: it may be a secret."""
    return "; ".join(
        ": ".join([*([".".join(map(str, one["loc"]))] if one["loc"] else []), one["msg"]])
        for one in error.errors(include_input=False, include_url=False)
    )


def _repository(kind: str, given: Mapping[str, Any], where: str) -> Repository:
    if kind not in registered_providers():
        known = ", ".join(sorted({*registered_providers(), STORED, NOOP}))
        raise InvalidInput(f"there is no type {kind!r}; known: {known}")
    own = tuple(name for name in provider(kind).model_fields if name != "type")
    shared = tuple(name for name in SHARED if name not in own)
    check_keys(given, (*own, *CREDENTIALS, *shared), where)
    storage = {key: value for key, value in given.items() if key in own or key in CREDENTIALS}
    return Repository(
        storage=merged_settings({"type": kind, **storage}),
        **{key: value for key, value in given.items() if key in shared},
    )


def _s3(name: str, role: Role, given: Mapping[str, Any], where: str) -> WorkflowEndpoint:
    """Read ingest's keys beside our own; `insecure` is ingest's: HTTP without TLS."""
    own = tuple(key for key in S3Settings.model_fields if key not in ("type", *INGEST.values()))
    extra = ("recursive",) if role is Role.SOURCE else ("metafilesPrefix",)
    check_keys(given, (*own, *INGEST, *INGEST.values(), *extra, *CREDENTIALS, *SHARED), where)
    values = {INGEST.get(key, key): value for key, value in given.items() if key not in extra}
    values["endpoint"] = _endpoint(values.get("endpoint", ""), values.pop("insecure", False))
    meta = _text(given, "metafilesPrefix", "")
    if meta:
        if "markers" in values:
            raise InvalidInput("give `metafilesPrefix` or `markers`, not both")
        values["markers"] = f"/{clean_prefix(meta)}"
    made = _repository("s3", values, where)
    if meta:  # ingest's lie below the bucket, not below its prefix
        storage = made.storage
        prefix = clean_prefix(str(getattr(storage, "prefix")))  # noqa: B009 - of any storage
        root = storage.model_copy(update={"prefix": ""})
        kept = {key: getattr(made, key) for key in SHARED if key != "markers"}
        made = Repository(storage=root, path=prefix, markers=values["markers"], **kept)
    deep = given.get("recursive", False) if role is Role.SOURCE else True
    if not isinstance(deep, bool):
        raise InvalidInput(f"`recursive` is true or false, found {deep!r}")
    return WorkflowEndpoint(name, role, made, deep=deep, marked=bool(meta))


def _endpoint(given: object, insecure: object) -> str:
    """Return the URL of a store that ingest names by its host."""
    if not isinstance(given, str):
        raise InvalidInput(f"`endpoint` is to be a text, found {given!r}")
    if not isinstance(insecure, bool):
        raise InvalidInput(f"`insecure` is true or false, found {insecure!r}")
    if "://" in given:
        if insecure and not given.startswith("http://"):
            raise InvalidInput("`insecure` means http://, and `endpoint` says otherwise")
        return given
    if given in ("", AWS):
        return ""
    return f"{'http' if insecure else 'https'}://{given}"


def _stored(name: str, role: Role, text: str) -> WorkflowEndpoint:
    """Take a stored block by its name, or what else a flow takes: a path or a URL."""
    if NAME.match(text):
        return WorkflowEndpoint(name, role, None, text)
    return WorkflowEndpoint(name, role, repository(text))


def _noop(name: str, role: Role, given: Mapping[str, Any], where: str) -> WorkflowEndpoint:
    check_keys(given, ("error",), where)
    if "error" in given:
        raise InvalidInput(f"it says so itself: {given['error']}")
    folder = MemorySettings(path=f"noop/{role.value}/{name}")
    return WorkflowEndpoint(name, role, Repository(storage=folder), passing=True)


def _text(given: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = given.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise InvalidInput(f"`{key}` is to be a text, found {value!r}")
    return value
