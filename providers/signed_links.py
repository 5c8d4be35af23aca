"""Signed (presigned) URLs: anyone who has one may read one file until it expires.

fsspec's filesystems sign them locally with the repository's credentials; no request is sent.
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
"""Takes path, lifetime in seconds and Content-Disposition; returns the signed URL."""


class _SigningFilesystem(Protocol):
    """Methods of s3fs, gcsfs and adlfs that their types lack."""

    def url(self, path: str, **how: object) -> object: ...

    def sign(self, path: str, **how: object) -> object: ...


def signer(settings: ProviderSettings) -> Sign | None:
    """Return a function that signs links to files; None if there is no key to sign with."""
    if isinstance(settings, S3Settings) and not settings.anonymous:
        return partial(
            _sign_s3, _filesystem(settings), f"{settings.bucket}/{_folder_prefix(settings.prefix)}"
        )
    if isinstance(settings, GcsSettings) and _has_service_account_key(settings):
        return partial(
            _sign_gcs, _filesystem(settings), f"{settings.bucket}/{_folder_prefix(settings.prefix)}"
        )
    if isinstance(settings, AzureSettings) and _has_account_key(settings):
        return partial(
            _sign_azure,
            _filesystem(settings),
            f"{settings.container}/{_folder_prefix(settings.prefix)}",
        )
    return None


def _filesystem(settings: ProviderSettings) -> _SigningFilesystem:
    return cast("_SigningFilesystem", settings.filesystem())


def _has_service_account_key(settings: GcsSettings) -> bool:
    """Return whether there is a service account: the ambient identity cannot sign."""
    given = (settings.private_key, settings.service_account_json)
    return not settings.anonymous and any(one.get_secret_value() for one in given)


def _has_account_key(settings: AzureSettings) -> bool:
    text = settings.connection_string.get_secret_value()
    return bool(settings.account_key.get_secret_value()) or "AccountKey=" in text


def _folder_prefix(prefix: str) -> str:
    inner = clean_prefix(prefix)
    return f"{inner}/" if inner else ""


def _sign_s3(
    files: _SigningFilesystem, root: str, path: str, seconds: int, disposition: str
) -> str:
    return str(files.url(root + path, expires=seconds, ResponseContentDisposition=disposition))


def _sign_gcs(
    files: _SigningFilesystem, root: str, path: str, seconds: int, disposition: str
) -> str:
    return str(
        files.sign(root + path, expiration=seconds, version="v4", response_disposition=disposition)
    )


def _sign_azure(
    files: _SigningFilesystem, root: str, path: str, seconds: int, disposition: str
) -> str:
    return str(files.url(root + path, expires=seconds, content_disposition=disposition))
