"""The repositories that an instance of Entrepot stores as blocks in its Prefect server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import httpx
from prefect import get_client
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from blocks.repository import Repository
from catalog.errors import InvalidInput
from catalog.glob import regex

PAGE = 200  # block documents asked for together


def own_repositories() -> Iterator[Repository]:
    """Yield every repository that this instance stores and that still makes sense."""
    with get_client(sync_client=True) as client:
        names = [one.name for one in _documents(client, secrets=False) if one.name]
    for name in names:
        yield Repository.named(name)


def own_by_name() -> dict[str, Repository]:
    """Return the same repositories by their names."""
    return {one.name: one for one in own_repositories() if one.name}


def chosen(
    every: Mapping[str, Repository], names: Sequence[str] | None, labels: Mapping[str, str] | None
) -> dict[str, Repository]:
    """Return those, by name, whose name matches a glob of `names` and that have all `labels`."""
    match = re.compile(regex(names or ["*"]))
    wanted = (labels or {}).items()
    return {
        name: one
        for name, one in sorted(every.items())
        if match.fullmatch(name) and wanted <= one.labels.items()
    }


def repositories_at(api: str, secret: str = "") -> dict[str, Repository]:
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
    return {one.name: Repository.model_validate(one.data) for one in found if one.name}


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
