"""The repositories that an instance of Entrepot stores as blocks in its Prefect server."""

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

PAGE = 200  # block documents asked for together


@dataclass(frozen=True, slots=True)
class UnusableRepository:
    """A stored repository that cannot be used, and why; no value of it is told."""

    name: str
    why: str


def stored_repositories() -> Iterator[Repository | UnusableRepository]:
    """Yield every repository that this instance stores, as it is or why it cannot be used."""
    with get_client(sync_client=True) as client:
        names = [one.name for one in _documents(client, secrets=False) if one.name]
    for name in names:
        try:
            yield Repository.named(name)
        except RuntimeError as error:  # what Prefect makes of a ValidationError
            if not isinstance(error.__cause__, ValidationError):
                raise
            yield UnusableRepository(name, _told(error.__cause__))


def usable_repositories() -> Iterator[Repository]:
    """Yield every repository that this instance stores; one that cannot be used is a warning."""
    for one in stored_repositories():
        if isinstance(one, UnusableRepository):
            get_logger("entrepot").warning("%s is passed over: %s", one.name, one.why)
        else:
            yield one


def stored_by_name() -> dict[str, Repository | UnusableRepository]:
    """Return what this instance stores, by name."""
    return {one.name: one for one in stored_repositories() if one.name}


def _told(error: ValidationError) -> str:
    places = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return f"the stored block cannot be used, save it anew ({'; '.join(places)})"


def select_repositories(
    every: Mapping[str, Repository | UnusableRepository],
    names: Sequence[str] | None,
    labels: Mapping[str, str] | None,
) -> tuple[dict[str, Repository], tuple[UnusableRepository, ...]]:
    """Return those, by name, whose name matches a glob of `names` and that have all `labels`.

    Those that cannot be used are apart; they may have any label.
    """
    match = re.compile(globs_to_regex(names or ["*"]))
    wanted = (labels or {}).items()
    named = [(name, one) for name, one in sorted(every.items()) if match.fullmatch(name)]
    usable = {name: one for name, one in named if isinstance(one, Repository)}
    return (
        {name: one for name, one in usable.items() if wanted <= one.labels.items()},
        tuple(one for _, one in named if isinstance(one, UnusableRepository)),
    )


def repositories_at(api: str, secret: str = "") -> dict[str, Repository | UnusableRepository]:
    """Return what the instance behind another Prefect API stores, by name.

    `secret` names a Secret block of this instance that holds `user:password` for that API, or its
    key where it holds no colon.

    Raises:
        InvalidInput: the API cannot be read.
    """
    auth = _secret(secret) if secret else None
    login, key = (auth, None) if auth and ":" in auth else (None, auth)
    try:
        with SyncPrefectClient(api, auth_string=login, api_key=key) as client:
            found = list(_documents(client, secrets=True))
    except (httpx.HTTPError, PrefectHTTPStatusError, OSError, RuntimeError) as error:
        raise InvalidInput(f"the Prefect API at {api!r} cannot be read: {error}") from error
    return {one.name: _usable(one.name, one.data) for one in found if one.name}


def _usable(name: str, data: Mapping[str, object]) -> Repository | UnusableRepository:
    try:
        return Repository.model_validate(data)
    except ValidationError as error:
        return UnusableRepository(name, _told(error))


def _documents(client: SyncPrefectClient, *, secrets: bool) -> Iterator[BlockDocument]:
    offset = 0
    while True:
        try:
            page: list[BlockDocument] = client.read_block_documents_by_type(
                Repository.get_block_type_slug(), offset, PAGE, include_secrets=secrets
            )
        except ObjectNotFound:  # no repository was ever stored there
            return
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def _secret(name: str) -> str:
    try:
        return str(Secret.load(name, _sync=True).get())  # type: ignore[call-arg, union-attr]
    except ValueError as error:
        raise InvalidInput(f"no Secret block is named {name!r}") from error
