"""The metadata of a resource in the format of the Punch Resource Manager, plus digests.

>>> sorted(document(example(), "mytenant"))[:4]
['digests', 'name', 'properties', 'schema']
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from catalog.model.resource_version import ResourceVersion
from providers.shared.url import redact_url

SCHEMA = "V1"


def document(resource: ResourceVersion, tenant: str) -> dict[str, Any]:
    """Return the metadata document, with numbers as text and the time in seconds."""
    storage: dict[str, str] = {"type": storage_type(resource), "url": url_of(resource)}
    further = {
        "encoding": resource.encoding,
        "compression": resource.compression,
        "data": resource.data,
    }
    storage |= {key: value for key, value in further.items() if value is not None}
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "name": resource.name,
        "timestamp": str(int(resource.created_at.timestamp())),
        "version": str(resource.version),
        "tenant": tenant,
        "size": None if resource.size is None else str(resource.size),
        "storage": storage,
        "properties": dict(resource.properties),
        "digests": digests(resource),
    }
    if resource.content_type is not None:
        fields["type"] = resource.content_type
    return fields


def list_entry(resource: ResourceVersion, tenant: str) -> dict[str, Any]:
    """Return a document for lists, with the version as a number and a readable time."""
    fields = document(resource, tenant)
    del fields["timestamp"]
    return {"@timestamp": format_time(resource.created_at), **fields, "version": resource.version}


def short_entry(resource: ResourceVersion) -> dict[str, Any]:
    """Return an entry of simplified lists: time, name and version."""
    return {
        "@timestamp": format_time(resource.created_at),
        "name": resource.name,
        "version": resource.version,
    }


def action_reply(
    metadata: Iterable[dict[str, Any]], name: str, message: str, tenant: str
) -> dict[str, Any]:
    """Return the response to an action: the affected metadata, and what was done."""
    return {"metadata": list(metadata), "name": name, "message": message, "tenant": tenant}


def format_time(when: datetime) -> str:
    """Return a time in the format of lists.

    >>> format_time(datetime(2020, 10, 9, 12, 36, 39, 107000, tzinfo=UTC))
    '2020-10-09T12:36:39.107Z'
    """
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def example() -> ResourceVersion:
    """Return an example for documentation."""
    return ResourceVersion(
        "my/resource",
        2,
        datetime(2020, 10, 9, 7, 59, 49, tzinfo=UTC),
        size=2048,
        digest="ab" * 32,
        content_type=None,
        storage_type="local",
        url="file:///data/resources/mytenant/my/2/resource",
        properties={"author": "bob", "editor": "vim"},
    )


def url_of(resource: ResourceVersion) -> str:
    """Return a version's URL, without the query of external ones, which may be secret."""
    return redact_url(resource.url) if resource.external else resource.url


def storage_type(resource: ResourceVersion) -> str:
    """Return the Punch's word for the storage type: a folder is `file`."""
    return "file" if resource.storage_type == "local" else resource.storage_type


def digests(resource: ResourceVersion) -> dict[str, str]:
    """Return all digests in hex, by algorithm."""
    return {each.algorithm: each.value for each in resource.all_digests()}
