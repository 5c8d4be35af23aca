"""The repositories that are stored as blocks at a Prefect server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
from prefect import get_client
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.logging import get_logger
from pydantic import ValidationError

from blocks.repository import Repository
from catalog.errors import InvalidInput
from catalog.glob import globs_to_regex

PAGE = 200  # block documents per request


@dataclass(frozen=True, slots=True)
class UnusableRepository:
    """A stored repository that cannot be used, and why, without any of its values."""

    name: str
    why: str


def stored_repositories() -> Iterator[Repository | UnusableRepository]:
    """Yield every stored repository, or why it cannot be used."""
    with get_client(sync_client=True) as client:
        names = [row.name for row in _documents(client, secrets=False) if row.name]
    for name in names:
        try:
            yield Repository.named(name)
        except RuntimeError as error:  # Prefect raises it from a ValidationError
            if not isinstance(error.__cause__, ValidationError):
                raise
            yield UnusableRepository(name, _describe(error.__cause__))


def usable_repositories() -> Iterator[Repository]:
    """Yield every usable stored repository; the others are logged as warnings."""
    for repository in stored_repositories():
        if isinstance(repository, UnusableRepository):
            get_logger("entrepot").warning("skipped %s: %s", repository.name, repository.why)
        else:
            yield repository


def stored_by_name() -> dict[str, Repository | UnusableRepository]:
    """Return the stored repositories by name."""
    return {repository.name: repository for repository in stored_repositories() if repository.name}


def _describe(error: ValidationError) -> str:
    problems = (
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
    )
    return f"the stored block is invalid, save it again ({'; '.join(problems)})"


def select_repositories(
    every: Mapping[str, Repository | UnusableRepository],
    names: Sequence[str] | None,
    labels: Mapping[str, str] | None,
) -> tuple[dict[str, Repository], tuple[UnusableRepository, ...]]:
    """Return the repositories whose name matches a glob of `names` and that have all `labels`.

    Unusable ones are returned separately, whatever their labels.
    """
    match = re.compile(globs_to_regex(names or ["*"]))
    wanted = (labels or {}).items()
    matching = {name: every[name] for name in sorted(every) if match.fullmatch(name)}
    return (
        {
            name: repository
            for name, repository in matching.items()
            if isinstance(repository, Repository) and wanted <= repository.labels.items()
        },
        tuple(
            repository
            for repository in matching.values()
            if isinstance(repository, UnusableRepository)
        ),
    )


def repositories_at(api: str, secret: str = "") -> dict[str, Repository | UnusableRepository]:
    """Return the repositories stored at another Prefect API, by name.

    `secret` names a Secret block of this instance with `user:password` for that API, or with its
    key if it contains no colon.

    Raises:
        InvalidInput: the API cannot be read.
    """
    auth = _secret(secret) if secret else None
    login, key = (auth, None) if auth and ":" in auth else (None, auth)
    try:
        with SyncPrefectClient(api, auth_string=login, api_key=key) as client:
            documents = list(_documents(client, secrets=True))
    except (httpx.HTTPError, PrefectHTTPStatusError, OSError, RuntimeError) as error:
        raise InvalidInput(f"cannot read the Prefect API at {api!r}: {error}") from error
    return {row.name: _parse(row.name, row.data) for row in documents if row.name}


def _parse(name: str, data: Mapping[str, object]) -> Repository | UnusableRepository:
    try:
        return Repository.model_validate(data)
    except ValidationError as error:
        return UnusableRepository(name, _describe(error))


def _documents(client: SyncPrefectClient, *, secrets: bool) -> Iterator[BlockDocument]:
    offset = 0
    while True:
        try:
            page: list[BlockDocument] = client.read_block_documents_by_type(
                Repository.get_block_type_slug(), offset, PAGE, include_secrets=secrets
            )
        except ObjectNotFound:  # no repository was ever stored
            return
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def _secret(name: str) -> str:
    try:
        return str(Secret.load(name, _sync=True).get())  # type: ignore[call-arg, union-attr]
    except ValueError as error:
        raise InvalidInput(f"there is no Secret block named {name!r}") from error
