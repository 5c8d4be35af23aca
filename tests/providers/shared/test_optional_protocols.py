"""What a storage offers beside the usual is told by the names of its methods: they mean that.

Google's storage once had an `ask` of its own, and was asked for files by it.
"""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from providers.base import Copier, Destination, Source, SupportsQuickListing
from providers.interfaces.early_request import SupportsEarlyRequests
from providers.interfaces.history import SupportsFlush, SupportsHistory
from providers.interfaces.incomplete_uploads import SupportsIncompleteUploads
from providers.interfaces.random_access import FileOpener
from providers.interfaces.range_support import Ranged
from providers.layouts.content_names import ContentAddressed
from providers.layouts.numbered_names import VersionNumbered

PROTOCOLS: tuple[type, ...] = (
    *(SupportsEarlyRequests, ContentAddressed, VersionNumbered, Copier, Destination, FileOpener),
    *(
        SupportsHistory,
        Ranged,
        SupportsFlush,
        SupportsQuickListing,
        Source,
        SupportsIncompleteUploads,
    ),
)
STORAGES = (
    *("api:ApiStorage", "azure:AzureStorage", "fsspec:FsspecStorage"),
    *("ftp:FtpStorage", "gcs:GcsStorage", "git:GitStorage"),
    *("http:HttpStorage", "local:LocalStorage", "s3:S3Storage"),
    *("sftp:SftpStorage", "webdav:WebdavStorage"),
)


def members(protocol: type) -> list[str]:
    """Return the methods that a protocol names."""
    return [
        name
        for base in protocol.__mro__
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]


@pytest.mark.parametrize("storage", STORAGES)
def test_a_method_with_the_name_of_a_protocol_takes_what_the_protocol_gives(storage: str) -> None:
    room, _, name = storage.partition(":")
    made: type = getattr(import_module(f"providers.{room}.storage"), name)
    offered = [
        one
        for one in PROTOCOLS
        if all(callable(getattr(made, each, None)) for each in members(one))
    ]
    assert Source in offered
    for protocol in offered:
        for method in members(protocol):
            meant = inspect.signature(getattr(protocol, method)).parameters
            taken = inspect.signature(getattr(made, method)).parameters
            assert list(taken)[: len(meant)] == list(meant), f"{protocol.__name__}.{method}"
            more = list(taken.values())[len(meant) :]
            assert all(one.default is not one.empty for one in more), method
