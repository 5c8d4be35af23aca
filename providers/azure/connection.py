"""Connections to Azure: its SDK for control, obstore for the data, with one identity for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient
from obstore.store import AzureStore

from providers.azure.storage import AzureStorage
from providers.objects.storage import ObjectBytes, client_config, no_retries

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

    from providers.azure.login import AzureLogin
    from providers.base import OpenOptions
    from providers.connection import OnClose


class AzureConnection:
    """One container with one identity: a client of the SDK and one of obstore."""

    def __init__(self, login: AzureLogin, container: str, options: OpenOptions) -> None:
        """Create the clients; no request is sent yet."""
        given: dict[str, Any] = {"account_name": login.account(), **identity_arguments(login)}
        if endpoint := login.service_url():
            given["endpoint"] = endpoint
        self._store = AzureStore(
            container,
            client_options=client_config(options.timeouts, None, insecure=False),
            retry_config=no_retries(),
            **given,
        )
        self._part = options.part
        self._service = _service_client(login, options)
        self._container: ContainerClient = self._service.get_container_client(container)

    def storage(self, prefix: str, where: str, on_close: OnClose) -> AzureStorage:
        """Return the storage of a prefix; `where` names it in messages."""
        objects = ObjectBytes(self._store, prefix, where, self._part)
        return AzureStorage(self._container, objects, prefix, on_close)

    def close(self) -> None:
        """Close the SDK's sessions; obstore closes its own when unreferenced."""
        self._service.close()


def identity_arguments(login: AzureLogin) -> dict[str, Any]:
    """Return obstore's credentials: connection string, principal, key, ambient, anonymous."""
    parts = login.connection_parts()
    if parts.get("accountkey"):
        return {"account_key": parts["accountkey"]}
    if parts.get("sharedaccesssignature"):
        return {"sas_key": parts["sharedaccesssignature"]}
    if login.client_id:
        return {
            "client_id": login.client_id,
            "client_secret": login.client_secret.get_secret_value(),
            "tenant_id": login.tenant_id,
        }
    if key := login.account_key.get_secret_value():
        return {"account_key": key}
    return {} if login.ambient else {"skip_signature": True}


def _service_client(login: AzureLogin, options: OpenOptions) -> BlobServiceClient:
    """Return the SDK's client, without retries."""
    common: dict[str, Any] = {
        "connection_timeout": options.timeouts.connect_s,
        "read_timeout": options.timeouts.read_s,
        "retry_total": 0,
    }
    if text := login.connection_string.get_secret_value():
        return BlobServiceClient.from_connection_string(text, **common)
    url = login.service_url() or f"https://{login.account()}.blob.core.windows.net"
    return BlobServiceClient(url, credential=_credential(login), **common)


def _credential(login: AzureLogin) -> Any:  # noqa: ANN401 - the SDK has no common type
    if login.client_id or login.ambient:
        from azure.identity import (  # noqa: PLC0415 - brings MSAL
            ClientSecretCredential,
            DefaultAzureCredential,
        )

        if login.client_id:
            return ClientSecretCredential(
                login.tenant_id, login.client_id, login.client_secret.get_secret_value()
            )
        if not login.account_key.get_secret_value():
            return DefaultAzureCredential()
    if key := login.account_key.get_secret_value():
        return AzureNamedKeyCredential(login.account(), key)
    return None
