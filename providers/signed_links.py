"""Signed links: whoever has one may read one file for a while, without credentials of their own.

They are made by fsspec's filesystems, out of the credentials that a repository has; nothing is
asked of the store for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, cast

from catalog.paths import clean_prefix
from providers.azure.settings import AzureSettings
from providers.base import ProviderSettings
from providers.gcs.settings import GcsSettings
from providers.s3.settings import S3Settings

Sign = Callable[[str, int, str], str]
"""Return a link to a path, for so many seconds, under which it is saved as a name."""


class _Files(Protocol):
    """What s3fs, gcsfs and adlfs have, and their types do not tell."""

    def url(self, path: str, **how: object) -> object: ...

    def sign(self, path: str, **how: object) -> object: ...


def signer(settings: ProviderSettings) -> Sign | None:
    """Return what signs links to the files of a place; None where it cannot, or has no key."""
    if isinstance(settings, S3Settings) and not settings.anonymous:
        return partial(_s3, _files(settings), f"{settings.bucket}/{_folder(settings.prefix)}")
    if isinstance(settings, GcsSettings) and _has_key(settings):
        return partial(_gcs, _files(settings), f"{settings.bucket}/{_folder(settings.prefix)}")
    if isinstance(settings, AzureSettings) and _keyed(settings):
        return partial(_azure, _files(settings), f"{settings.container}/{_folder(settings.prefix)}")
    return None


def _files(settings: ProviderSettings) -> _Files:
    return cast("_Files", settings.filesystem())


def _has_key(settings: GcsSettings) -> bool:
    """Say whether there is a service account: what a machine is known as cannot sign."""
    given = (settings.private_key, settings.service_account_json)
    return not settings.anonymous and any(one.get_secret_value() for one in given)


def _keyed(settings: AzureSettings) -> bool:
    text = settings.connection_string.get_secret_value()
    return bool(settings.account_key.get_secret_value()) or "AccountKey=" in text


def _folder(prefix: str) -> str:
    inner = clean_prefix(prefix)
    return f"{inner}/" if inner else ""


def _s3(files: _Files, root: str, path: str, seconds: int, disposition: str) -> str:
    return str(files.url(root + path, expires=seconds, ResponseContentDisposition=disposition))


def _gcs(files: _Files, root: str, path: str, seconds: int, disposition: str) -> str:
    return str(
        files.sign(root + path, expiration=seconds, version="v4", response_disposition=disposition)
    )


def _azure(files: _Files, root: str, path: str, seconds: int, disposition: str) -> str:
    return str(files.url(root + path, expires=seconds, content_disposition=disposition))
