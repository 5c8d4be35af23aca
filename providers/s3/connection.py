"""Connections to S3: s3fs for control, obstore for the data, with one identity for both."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import s3fs
from obstore.store import S3Store

from catalog.errors import AccessDenied
from providers.objects.storage import ObjectBytes, client_config, no_retries
from providers.s3.listing import listing_session
from providers.s3.storage import S3Storage

if TYPE_CHECKING:
    from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # has none
    from obstore.store import S3Credential

    from providers.base import OpenOptions
    from providers.connection import OnClose
    from providers.s3.login import S3Login


class S3Connection:
    """One identity at one endpoint: one s3fs filesystem, and one obstore client per bucket."""

    def __init__(self, login: S3Login, options: OpenOptions) -> None:
        """Create the clients; no request is sent yet."""
        self._login = login
        self._options = options
        self._authorities = _pem_file(login.certificate) if login.certificate else ""
        self._stores: dict[str, S3Store] = {}
        self.filesystem = open_s3fs(login, options, self._authorities, session=listing_session())

    def storage(self, bucket: str, prefix: str, where: str, on_close: OnClose) -> S3Storage:
        """Return the storage of a bucket and prefix; `where` names it in messages."""
        store = self._stores.get(bucket)
        if store is None:
            store = self._stores.setdefault(bucket, self._create_store(bucket))
        objects = ObjectBytes(store, prefix, where, self._options.part)
        same_store = (self._login.endpoint, self._login.access_key_id, self._login.anonymous)
        return S3Storage(self.filesystem, objects, bucket, same_store, on_close=on_close)

    def close(self) -> None:
        """Release the clients, which close their sockets when unreferenced."""
        self._stores.clear()
        self.filesystem.clear_instance_cache()
        if self._authorities:
            Path(self._authorities).unlink(missing_ok=True)

    def _create_store(self, bucket: str) -> S3Store:
        login = self._login
        given: dict[str, Any] = {}
        if login.anonymous:
            given["skip_signature"] = True
        elif login.access_key_id:
            given["access_key_id"] = login.access_key_id
            given["secret_access_key"] = login.secret_access_key.get_secret_value()
            if token := login.session_token.get_secret_value():
                given["token"] = token
        else:
            given["credential_provider"] = _ambient_credentials
        if login.endpoint:
            given["endpoint"] = login.endpoint
        return S3Store(
            bucket,
            region=login.region,
            virtual_hosted_style_request=not (login.path_style or bool(login.endpoint)),
            checksum_algorithm="sha256",
            disable_bulk_delete=True,  # not every store supports bulk deletion
            client_options=client_config(
                self._options.timeouts, login.certificate or None, insecure=login.insecure
            ),
            retry_config=no_retries(),
            **given,
        )


def open_s3fs(
    login: S3Login,
    options: OpenOptions,
    authorities: str = "",
    session: AioSession | None = None,
) -> s3fs.S3FileSystem:
    """Return an s3fs filesystem without listing caches and without botocore's retries.

    `authorities` is a file with the login's certificates, if there is one already; `session` is
    an optional customized botocore session.
    """
    client: dict[str, Any] = {"region_name": login.region}
    if login.insecure:
        client["verify"] = False
    elif login.certificate:
        client["verify"] = authorities or _pem_file(login.certificate)
    path_style = login.path_style or bool(login.endpoint)
    # By default links would have the old signature, which most stores no longer accept.
    signature = {} if login.anonymous else {"signature_version": "s3v4"}
    return s3fs.S3FileSystem(
        key=login.access_key_id or None,
        secret=login.secret_access_key.get_secret_value() or None,
        token=login.session_token.get_secret_value() or None,
        anon=login.anonymous,
        endpoint_url=login.endpoint or None,
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


def _ambient_credentials() -> S3Credential:
    """Use botocore's credential chain, so that both clients have the same identity."""
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise AccessDenied(
            "no AWS credentials were found in the environment: set access keys, or anonymous"
        )
    frozen = found.get_frozen_credentials()
    return {
        "access_key_id": frozen.access_key,
        "secret_access_key": frozen.secret_key,
        "token": frozen.token,
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
    }


def _pem_file(pem: str) -> str:
    """Write certificates, which are public, to a file for botocore."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(pem)
    return file.name
