"""Settings of a container in Azure Blob Storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.azure.login import AzureLogin
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.shared.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.azure.connection import AzureConnection
    from providers.azure.storage import AzureStorage


class AzureSettings(ProviderSettings, title="Azure"):
    """A container, or a prefix in one, in an Azure storage account."""

    root_field: ClassVar[str] = "prefix"

    type: Literal["azure"] = Field(default="azure", title="Type", description="Azure Blob Storage.")
    account_name: str = Field(
        default="",
        title="Account",
        description="Name of the storage account; not needed with a connection string.",
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
        description="Connection string of an access key; overrides the other credentials.",
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
        default="", title="Tenant id", description="Tenant (directory) of the service principal."
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
    def _check_combination(self) -> AzureSettings:
        principal = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "tenant_id": self.tenant_id,
        }
        missing = [name for name, value in principal.items() if not value]
        if missing and len(missing) < len(principal):
            raise InvalidInput(
                f"{', '.join(missing)} missing: a service principal needs all of "
                f"{', '.join(principal)}"
            )
        if not self.login().account():
            raise InvalidInput("set account_name, or a connection string that contains it")
        clean_prefix(self.prefix)
        return self

    def address(self) -> str:
        """Return `az://account/container/prefix`, or `az+http://host/account/...` if not Azure."""
        path = f"{self.container}/{clean_prefix(self.prefix)}"
        login = self.login()
        account, endpoint = login.account(), login.service_url()
        if not endpoint:
            return build_url("az", account, path)
        scheme, _, host = endpoint.partition("://")
        host = host.removesuffix(f"/{account}")
        return build_url(f"az+{scheme}", host, f"{account}/{path}")

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

    def login(self) -> AzureLogin:
        """Return the account and its credentials."""
        return AzureLogin(
            account_name=self.account_name,
            connection_string=self.connection_string,
            client_id=self.client_id,
            client_secret=self.client_secret,
            tenant_id=self.tenant_id,
            account_key=self.account_key,
            ambient=self.ambient,
            endpoint=self.endpoint,
        )

    def connect(self, options: OpenOptions) -> AzureConnection:
        """Return the clients; no request is sent yet."""
        from providers.azure.connection import AzureConnection  # noqa: PLC0415 - the SDK is slow

        return AzureConnection(self.login(), self.container, options)

    def storage(
        self,
        connection: AzureConnection,
        options: OpenOptions,  # noqa: ARG002 - the connection has them
        *,
        on_close: OnClose = keep_open,
    ) -> AzureStorage:
        """Return the container below its prefix."""
        return connection.storage(clean_prefix(self.prefix), self.address(), on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return an adlfs filesystem without listing caches."""
        from adlfs import AzureBlobFileSystem  # noqa: PLC0415 - slow to import

        login, text = self.login(), self._connection_text()
        given: dict[str, Any] = (
            {"connection_string": text}
            if text
            else {
                "account_name": login.account(),
                "account_host": login.service_url().partition("://")[2] or None,
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
        """Parse `az://account/container/prefix`, abfss://container@account…, or `az+http://…`."""
        parsed = parse_url(url)
        if parsed.scheme.startswith("abfs"):
            account = parsed.host.partition(".")[0]
            if not parsed.user:
                raise InvalidInput(
                    f"{url!r} has no container: expected abfss://container@account.…/prefix"
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

    def _connection_text(self) -> str:
        """Return the connection string, or one made for a custom endpoint.

        adlfs has no other way to set an endpoint. A principal or ambient identity has no such form.
        """
        login = self.login()
        given, endpoint = self.connection_string.get_secret_value(), login.service_url()
        if given or not endpoint or self.client_id or self.ambient:
            return given
        key = self.account_key.get_secret_value()
        keyed = f"AccountName={login.account()};AccountKey={key};" if key else ""
        return f"{keyed}BlobEndpoint={endpoint};"
