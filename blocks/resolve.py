"""Resolve what a user gives to a repository: a block, its name, a path, a URL, or a mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from blocks.credentials import merged_settings
from blocks.repository import Repository
from catalog.errors import InvalidInput, RepositoryNotFound
from orchestration.block import stored_names
from orchestration.stored_names import no_repository
from providers.base import ProviderSettings
from providers.layouts.manifest_source import split_manifest
from providers.local.settings import LocalSettings
from providers.registry import scheme_of, settings_from_url
from providers.shared.url import parse_url

Reference: TypeAlias = "Repository | str"
"""What every flow accepts as source or destination."""

NAME = re.compile(r"[a-z0-9][a-z0-9\-]*\Z")
"""What Prefect allows as the name of a block."""


def repository(given: Repository | ProviderSettings | Mapping[str, Any] | str | Path) -> Repository:
    """Return the repository that `given` refers to.

    A string is a URL if it has a scheme, a path if it begins with `/`, `.` or `~` or contains a
    slash, and otherwise the name of a stored block. A mapping is `{"$ref": …}` or the settings of a
    provider with its `type`.

    Raises:
        RepositoryNotFound: there is no block of that name.
        InvalidInput: it does not refer to a repository.
    """
    if isinstance(given, Repository):
        return given
    if isinstance(given, ProviderSettings):
        return Repository(storage=given)
    if isinstance(given, Path):
        return _from_path(str(given))
    if isinstance(given, str):
        return _from_text(given.strip())
    if "$ref" in given:
        return _from_reference(given["$ref"])
    return Repository(storage=merged_settings(dict(given)))


def _from_text(text: str) -> Repository:
    if not text:
        raise InvalidInput("expected a repository (a block name, a path or a URL), found ''")
    if scheme_of(text) is not None:
        parse_url(text)  # refuses a password
        found = split_manifest(text)
        if found is not None:
            return Repository(storage=settings_from_url(found[0]), manifest=found[1])
        return Repository(storage=settings_from_url(text))
    if text[0] in "/.~" or "/" in text:
        return _from_path(text)
    return stored_repository(text)


def _from_path(text: str) -> Repository:
    found = split_manifest(text)
    if found is not None and not Path(text).is_dir():
        return Repository(storage=LocalSettings(path=found[0] or "/"), manifest=found[1])
    return Repository(storage=LocalSettings(path=text))


def stored_repository(name: str) -> Repository:
    """Return the repository of a stored block.

    Raises:
        RepositoryNotFound: there is no block of that name.
    """
    if not NAME.match(name):
        raise RepositoryNotFound(
            f"{name!r} is not a block name (lower-case letters, digits, dashes): "
            "write a folder as './name', anything else as a URL"
        )
    try:
        return Repository.named(name)
    except ValueError as error:
        raise no_repository(name, stored_names(Repository.get_block_type_slug())) from error


def _from_reference(reference: object) -> Repository:
    if isinstance(reference, Mapping):
        if slug := reference.get("block_document_slug"):
            return stored_repository(str(slug).rpartition("/")[2])
        reference = reference.get("block_document_id")
    if not isinstance(reference, str):
        raise InvalidInput("expected a block_document_id or a block_document_slug in $ref")
    loaded = Repository.load_from_ref(reference, _sync=True)  # type: ignore[call-arg]
    if not isinstance(loaded, Repository):
        raise InvalidInput(f"the block {reference!r} is not a repository")
    return loaded
