"""How a container is reached: Azure's SDK for control, obstore for the bytes, one identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient
from obstore.store import AzureStore

from catalog.paths import clean_prefix
from providers.azure_storage import AzureStorage
from providers.object_storage import ObjectBytes, client_config, no_retries

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

    from providers.azure import AzureSettings
    from providers.base import OpenOptions
    from providers.connection import OnClose


class AzureConnection:
    """One container as one identity sees it: the SDK's client and obstore's."""

    def __init__(self, settings: AzureSettings, options: OpenOptions) -> None:
        """Read all of `settings` but the prefix; nothing is asked yet."""
        given: dict[str, Any] = {"account_name": settings.account(), **identity(settings)}
        if endpoint := settings.service_url():
            given["endpoint"] = endpoint
        self._store = AzureStore(
            settings.container,
            client_options=client_config(options.timeouts, None, insecure=False),
            retry_config=no_retries(),
            **given,
        )
        self._service = _service(settings, options)
        self._container: ContainerClient = self._service.get_container_client(settings.container)

    def storage(self, settings: AzureSettings, on_close: OnClose) -> AzureStorage:
        """Return the container below the prefix that `settings` name."""
        prefix = clean_prefix(settings.prefix)
        objects = ObjectBytes(self._store, prefix, settings.address())
        return AzureStorage(self._container, objects, prefix, on_close)

    def close(self) -> None:
        """Close the SDK's sessions; obstore's go when nobody holds it."""
        self._service.close()


def identity(settings: AzureSettings) -> dict[str, Any]:
    """Return obstore's arguments: connection string, principal, key, ambient, anonymous."""
    parts = settings.connection_parts()
    if parts.get("accountkey"):
        return {"account_key": parts["accountkey"]}
    if parts.get("sharedaccesssignature"):
        return {"sas_key": parts["sharedaccesssignature"]}
    if settings.client_id:
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
            "tenant_id": settings.tenant_id,
        }
    if key := settings.account_key.get_secret_value():
        return {"account_key": key}
    return {} if settings.ambient else {"skip_signature": True}


def _service(settings: AzureSettings, options: OpenOptions) -> BlobServiceClient:
    """Return the SDK's client, which lists and describes; its retries are off."""
    common: dict[str, Any] = {
        "connection_timeout": options.timeouts.connect_s,
        "read_timeout": options.timeouts.read_s,
        "retry_total": 0,
    }
    if text := settings.connection_string.get_secret_value():
        return BlobServiceClient.from_connection_string(text, **common)
    url = settings.service_url() or f"https://{settings.account()}.blob.core.windows.net"
    return BlobServiceClient(url, credential=_credential(settings), **common)


def _credential(settings: AzureSettings) -> Any:  # noqa: ANN401 - the SDK has no common type
    if settings.client_id or settings.ambient:
        from azure.identity import (  # noqa: PLC0415 - brings MSAL
            ClientSecretCredential,
            DefaultAzureCredential,
        )

        if settings.client_id:
            return ClientSecretCredential(
                settings.tenant_id, settings.client_id, settings.client_secret.get_secret_value()
            )
        if not settings.account_key.get_secret_value():
            return DefaultAzureCredential()
    if key := settings.account_key.get_secret_value():
        return AzureNamedKeyCredential(settings.account(), key)
    return None
