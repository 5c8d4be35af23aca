"""Credentials and address of an Azure storage account."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """An account and its credentials, in any of the supported forms."""

    account_name: str
    connection_string: SecretStr
    client_id: str
    client_secret: SecretStr
    tenant_id: str
    account_key: SecretStr
    ambient: bool
    endpoint: str

    def connection_parts(self) -> dict[str, str]:
        """Return the connection string's fields, split at the first '=': keys may end in '='."""
        text = self.connection_string.get_secret_value()
        pairs = (part.partition("=") for part in text.split(";") if part.strip())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def account(self) -> str:
        """Return the account's name, from the connection string or the settings."""
        return self.connection_parts().get("accountname", "") or self.account_name

    def service_url(self) -> str:
        """Return the configured endpoint, or ''."""
        return (self.connection_parts().get("blobendpoint", "") or self.endpoint).rstrip("/")
