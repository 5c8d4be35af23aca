"""How buckets are reached: s3fs for control, obstore for the bytes, one identity for both."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import s3fs
from obstore.store import S3Store

from catalog.errors import AccessDenied
from catalog.paths import clean_prefix
from providers.object_storage import ObjectBytes, client_config, no_retries
from providers.s3_listing import listing_session
from providers.s3_storage import S3Storage

if TYPE_CHECKING:
    from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # has none
    from obstore.store import S3Credential

    from providers.base import OpenOptions
    from providers.connection import OnClose
    from providers.s3 import S3Settings


class S3Connection:
    """One identity at one endpoint: one s3fs, and one obstore client a bucket."""

    def __init__(self, settings: S3Settings, options: OpenOptions) -> None:
        """Read all of `settings` but bucket and prefix; nothing is asked yet."""
        self._settings = settings
        self._options = options
        self._authorities = _pem_file(settings.certificate) if settings.certificate else ""
        self._stores: dict[str, S3Store] = {}
        self.filesystem = open_s3fs(settings, options, self._authorities, session=listing_session())

    def storage(self, settings: S3Settings, on_close: OnClose) -> S3Storage:
        """Return the bucket below the prefix that `settings` name."""
        store = self._stores.get(settings.bucket)
        if store is None:
            store = self._stores.setdefault(settings.bucket, self._store(settings.bucket))
        objects = ObjectBytes(store, clean_prefix(settings.prefix), settings.address())
        same_store = (settings.endpoint, settings.access_key_id, settings.anonymous)
        return S3Storage(self.filesystem, objects, settings.bucket, same_store, on_close=on_close)

    def close(self) -> None:
        """Let the clients go; both close their sockets when nobody holds them."""
        self._stores.clear()
        self.filesystem.clear_instance_cache()
        if self._authorities:
            Path(self._authorities).unlink(missing_ok=True)

    def _store(self, bucket: str) -> S3Store:
        settings = self._settings
        given: dict[str, Any] = {}
        if settings.anonymous:
            given["skip_signature"] = True
        elif settings.access_key_id:
            given["access_key_id"] = settings.access_key_id
            given["secret_access_key"] = settings.secret_access_key.get_secret_value()
            if token := settings.session_token.get_secret_value():
                given["token"] = token
        else:
            given["credential_provider"] = _ambient
        if settings.endpoint:
            given["endpoint"] = settings.endpoint
        return S3Store(
            bucket,
            region=settings.region,
            virtual_hosted_style_request=not (settings.path_style or bool(settings.endpoint)),
            checksum_algorithm="sha256",
            disable_bulk_delete=True,  # one object at a time, in the words that every store knows
            client_options=client_config(
                self._options.timeouts, settings.certificate or None, insecure=settings.insecure
            ),
            retry_config=no_retries(),
            **given,
        )


def open_s3fs(
    settings: S3Settings,
    options: OpenOptions,
    authorities: str = "",
    session: AioSession | None = None,
) -> s3fs.S3FileSystem:
    """Return s3fs, listing caches off, botocore's own retries off.

    `authorities` is a file of the settings' certificates, if there is one already; `session` is
    one whose clients do something in their own way.
    """
    client: dict[str, Any] = {"region_name": settings.region}
    if settings.insecure:
        client["verify"] = False
    elif settings.certificate:
        client["verify"] = authorities or _pem_file(settings.certificate)
    path_style = settings.path_style or bool(settings.endpoint)
    # Links would be signed in the old way, which most stores take no more.
    signature = {} if settings.anonymous else {"signature_version": "s3v4"}
    return s3fs.S3FileSystem(
        key=settings.access_key_id or None,
        secret=settings.secret_access_key.get_secret_value() or None,
        token=settings.session_token.get_secret_value() or None,
        anon=settings.anonymous,
        endpoint_url=settings.endpoint or None,
        use_listings_cache=False,
        skip_instance_cache=True,
        session=session,
        client_kwargs=client,
        config_kwargs={
            **signature,
            "s3": {"addressing_style": "path" if path_style else "auto"},
            "connect_timeout": options.timeouts.connect_s,
            "read_timeout": options.timeouts.read_s,
            "retries": {"max_attempts": 0},
            "max_pool_connections": max(10, options.connections),
        },
    )


def _ambient() -> S3Credential:
    """Ask botocore's own credential chain, so that both planes bear one identity."""
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise AccessDenied("no ambient AWS identity was found; set keys, or anonymous")
    frozen = found.get_frozen_credentials()
    return {
        "access_key_id": frozen.access_key,
        "secret_access_key": frozen.secret_key,
        "token": frozen.token,
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
    }


def _pem_file(pem: str) -> str:
    """Write certificates where botocore can read them; they are public."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(pem)
    return file.name
