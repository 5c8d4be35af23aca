"""Stored blocks that no program of today can use."""

from __future__ import annotations


def spoil(name: str) -> None:
    """Put values into a stored block that no repository has."""
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.actions import BlockDocumentUpdate  # noqa: PLC0415

    from blocks.repository import Repository  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(name, Repository.get_block_type_slug())
        data = {**document.data, "storage": {"type": "local", "path": ["hunter2"]}}
        update = BlockDocumentUpdate(data=data, merge_existing_data=False)
        client.update_block_document(document.id, update)
