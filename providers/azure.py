"""Azure Blob Storage: the settings of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from obstore.store import AzureStore
from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.azure_storage import AzureStorage
from providers.base import OpenOptions, ProviderSettings
from providers.object_storage import ObjectBytes, client_config, no_retries
from providers.url import build_url, parse_url

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient
    from fsspec import AbstractFileSystem


class AzureSettings(ProviderSettings):
    """A container, or a prefix in one, of an Azure storage account."""

    type: Literal["azure"] = Field(default="azure", title="Type", description="Azure Blob Storage.")
    account_name: str = Field(
        default="",
        title="Account",
        description="Name of the storage account; a connection string names it too.",
    )
    container: str = Field(title="Container", description="Name of the container.", min_length=1)
    prefix: str = Field(
        default="",
        title="Prefix",
        description="Folder in the container; empty for the whole container.",
    )
    connection_string: SecretStr = Field(
        default=SecretStr(""),
        title="Connection string",
        description="What the portal shows for an access key; goes before all else.",
    )
    client_id: str = Field(
        default="", title="Client id", description="Application id of a service principal."
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Client secret",
        description="Secret of the service principal.",
    )
    tenant_id: str = Field(
        default="", title="Tenant id", description="Directory of the service principal."
    )
    account_key: SecretStr = Field(
        default=SecretStr(""), title="Account key", description="Access key of the account."
    )
    ambient: bool = Field(
        default=False,
        title="Ambient identity",
        description="Use the identity of the machine or of the Azure CLI.",
    )
    endpoint: str = Field(
        default="", title="Endpoint", description="URL of an emulator; empty for Azure."
    )

    @model_validator(mode="after")
    def _consistent(self) -> AzureSettings:
        principal = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "tenant_id": self.tenant_id,
        }
        missing = [name for name, value in principal.items() if not value]
        if missing and len(missing) < len(principal):
            raise InvalidInput(f"{', '.join(missing)} missing: a service principal has all three")
        if not self._account():
            raise InvalidInput("give account_name or a connection string that names it")
        clean_prefix(self.prefix)
        return self

    def address(self) -> str:
        """Return `az://account/container/prefix`, or `az+http://host/account/...` elsewhere."""
        path = f"{self.container}/{clean_prefix(self.prefix)}"
        endpoint = self._endpoint()
        if not endpoint:
            return build_url("az", self._account(), path)
        scheme, _, host = endpoint.partition("://")
        host = host.removesuffix(f"/{self._account()}")
        return build_url(f"az+{scheme}", host, f"{self._account()}/{path}")

    def connection_key(self) -> tuple[object, ...]:
        """Return the account, its identity, and the container (PM-10)."""
        return (
            self.account_name,
            self.container,
            self.connection_string.get_secret_value(),
            self.client_id,
            self.client_secret.get_secret_value(),
            self.tenant_id,
            self.account_key.get_secret_value(),
            self.ambient,
            self.endpoint,
        )

    def open(self, options: OpenOptions) -> AzureStorage:
        """Open the container below its prefix; nothing is asked yet."""
        given: dict[str, Any] = {"account_name": self._account(), **self._identity()}
        if endpoint := self._endpoint():
            given["endpoint"] = endpoint
        store = AzureStore(
            self.container,
            client_options=client_config(options.timeouts, None, insecure=False),
            retry_config=no_retries(),
            **given,
        )
        prefix = clean_prefix(self.prefix)
        objects = ObjectBytes(store, prefix, self.address())
        return AzureStorage(self._container(options), objects, prefix)

    def filesystem(self) -> AbstractFileSystem:
        """Return adlfs, listing caches off."""
        from adlfs import AzureBlobFileSystem  # noqa: PLC0415 - slow to import

        text = self.connection_string.get_secret_value()
        given: dict[str, Any] = (
            {"connection_string": text}
            if text
            else {
                "account_name": self._account(),
                "account_key": self.account_key.get_secret_value() or None,
                "client_id": self.client_id or None,
                "client_secret": self.client_secret.get_secret_value() or None,
                "tenant_id": self.tenant_id or None,
                "anon": not self.ambient,
            }
        )
        return cast(
            "AbstractFileSystem",
            AzureBlobFileSystem(use_listings_cache=False, skip_instance_cache=True, **given),
        )

    @classmethod
    def from_url(cls, url: str) -> AzureSettings:
        """Read `az://account/container/prefix`, abfss://container@account…, or `az+http://…`."""
        parsed = parse_url(url)
        if parsed.scheme.startswith("abfs"):
            account = parsed.host.partition(".")[0]
            if not parsed.user:
                raise InvalidInput(
                    f"{url!r} names no container: expected abfss://container@account.…/prefix"
                )
            return cls(account_name=account, container=parsed.user, prefix=parsed.key)
        if "+" not in parsed.scheme:
            container, _, prefix = parsed.key.partition("/")
            return cls(account_name=parsed.host, container=container, prefix=prefix)
        account, _, rest = parsed.key.partition("/")
        container, _, prefix = rest.partition("/")
        scheme = parsed.scheme.partition("+")[2]
        endpoint = f"{scheme}://{parsed.netloc}/{account}"
        return cls(account_name=account, container=container, prefix=prefix, endpoint=endpoint)

    def _parts(self) -> dict[str, str]:
        """Return the connection string's fields; keys end in '=', so each is cut once."""
        text = self.connection_string.get_secret_value()
        pairs = (one.partition("=") for one in text.split(";") if one.strip())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _account(self) -> str:
        return self._parts().get("accountname", "") or self.account_name

    def _endpoint(self) -> str:
        return (self._parts().get("blobendpoint", "") or self.endpoint).rstrip("/")

    def _identity(self) -> dict[str, Any]:
        """Return obstore's arguments: connection string, principal, key, ambient, anonymous."""
        parts = self._parts()
        if parts.get("accountkey"):
            return {"account_key": parts["accountkey"]}
        if parts.get("sharedaccesssignature"):
            return {"sas_key": parts["sharedaccesssignature"]}
        if self.client_id:
            return {
                "client_id": self.client_id,
                "client_secret": self.client_secret.get_secret_value(),
                "tenant_id": self.tenant_id,
            }
        if self.account_key.get_secret_value():
            return {"account_key": self.account_key.get_secret_value()}
        return {} if self.ambient else {"skip_signature": True}

    def _container(self, options: OpenOptions) -> ContainerClient:
        """Return the SDK's client, which lists and describes; its retries are off."""
        from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - slow
        from azure.identity import ClientSecretCredential, DefaultAzureCredential  # noqa: PLC0415
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415

        common: dict[str, Any] = {
            "connection_timeout": options.timeouts.connect_s,
            "read_timeout": options.timeouts.read_s,
            "retry_total": 0,
        }
        if text := self.connection_string.get_secret_value():
            return BlobServiceClient.from_connection_string(text, **common).get_container_client(
                self.container
            )
        account = self._account()
        credential: Any = None
        if self.client_id:
            credential = ClientSecretCredential(
                self.tenant_id, self.client_id, self.client_secret.get_secret_value()
            )
        elif key := self.account_key.get_secret_value():
            credential = AzureNamedKeyCredential(account, key)
        elif self.ambient:
            credential = DefaultAzureCredential()
        url = self._endpoint() or f"https://{account}.blob.core.windows.net"
        return BlobServiceClient(url, credential=credential, **common).get_container_client(
            self.container
        )
