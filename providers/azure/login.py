"""Who asks an Azure storage account, and where that is: all of a connection but the container."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """An identity at an account, in any of the ways a person gives it; secrets never show."""

    account_name: str
    connection_string: SecretStr
    client_id: str
    client_secret: SecretStr
    tenant_id: str
    account_key: SecretStr
    ambient: bool
    endpoint: str

    def connection_parts(self) -> dict[str, str]:
        """Return the connection string's fields; keys end in '=', so each is cut once."""
        text = self.connection_string.get_secret_value()
        pairs = (one.partition("=") for one in text.split(";") if one.strip())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def account(self) -> str:
        """Return the account's name, wherever it was given."""
        return self.connection_parts().get("accountname", "") or self.account_name

    def service_url(self) -> str:
        """Return the endpoint that was given, or ''."""
        return (self.connection_parts().get("blobendpoint", "") or self.endpoint).rstrip("/")
