"""What stands in for the servers, folders and repositories that pages of docs/ name."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore

from tests.servers.seaweedfs import S3Server


def s3_names(server: S3Server) -> dict[str, str]:
    """Return what stands in place of a bucket at AWS."""
    keys = f'access_key_id="{server.access_key}", secret_access_key="{server.secret_key}"'
    return {'region="eu-central-1"': f'endpoint="{server.endpoint}", {keys}'}


def put(server: S3Server, bucket: str, files: Mapping[str, bytes]) -> None:
    """Make a bucket that holds `files`."""
    server.make_bucket(bucket)
    store = server.store(bucket)
    for path, data in files.items():
        obstore.put(store, path, data)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def stored(folder: Path, files: Mapping[str, str], **more: Any) -> None:  # noqa: ANN401 - fields
    """Write a folder of files, and store it as a repository of its name."""
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect

    storage = {"type": "local", "path": str(write(folder, files))}
    one = Repository.model_validate({"storage": storage, **more})
    one.save(folder.name, overwrite=True)


@contextmanager
def sync_deployed(*more: str) -> Generator[None]:
    """Deploy the flow `sync` while the block lasts; the deployments `more` end with it."""
    from prefect import get_client  # noqa: PLC0415 - imports Prefect

    from flows.sync import sync  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        flow = client.create_flow(sync)
        client.create_deployment(flow, "sync", entrypoint="flows.sync.sync", tags=["entrepot"])
        try:
            yield
        finally:
            for name in ("sync", *more):
                client.delete_deployment(client.read_deployment_by_name(f"sync/{name}").id)


def gateway_at(port: int) -> dict[str, str]:
    """Return what lets a page's gateway listen on a port of ours."""
    return {
        "entrepot gateway": f"entrepot gateway --port {port}",
        "127.0.0.1:4242": f"127.0.0.1:{port}",
    }


def forgetting() -> Iterator[None]:
    """Delete the blocks that other tests left at their server, and then what a page stored."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    from prefect import get_client  # noqa: PLC0415 - imports Prefect

    with get_client(sync_client=True) as client:
        for one in client.read_block_documents(limit=200):
            if one.name:
                client.delete_block_document(one.id)
