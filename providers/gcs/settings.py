"""Settings of a bucket in Google Cloud Storage."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.gcs.credentials import GcsToken, Identity
from providers.http.client import ClientOptions, HttpClient
from providers.shared.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.gcs.storage import GcsStorage

GOOGLE = "https://storage.googleapis.com"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no secret


@dataclass(frozen=True, slots=True)
class GcsConnection:
    """Connections to one endpoint, and the identity that uses them."""

    client: HttpClient
    token: GcsToken

    def close(self) -> None:
        """Close the idle connections."""
        self.client.close()


class GcsSettings(ProviderSettings, title="GCS"):
    """A bucket, or a prefix in one, in Google Cloud Storage."""

    root_field: ClassVar[str] = "prefix"

    type: Literal["gcs"] = Field(default="gcs", title="Type", description="Google Cloud Storage.")
    bucket: str = Field(title="Bucket", description="Name of the bucket.", min_length=1)
    prefix: str = Field(
        default="", title="Prefix", description="Folder in the bucket; empty for the whole bucket."
    )
    service_account_json: SecretStr = Field(
        default=SecretStr(""),
        title="Service account",
        description="JSON key of a service account; empty to use the ambient identity.",
    )
    client_email: str = Field(
        default="",
        title="Client e-mail",
        description="E-mail of the service account, if its private key is set instead of the JSON.",
    )
    private_key: SecretStr = Field(
        default=SecretStr(""),
        title="Private key",
        description="Private key of the service account, as PEM text.",
    )
    token_uri: str = Field(
        default="", title="Token URL", description="URL of the token server; empty for Google's."
    )
    anonymous: bool = Field(
        default=False,
        title="Anonymous",
        description="Send requests without credentials, for public buckets.",
    )
    endpoint: str = Field(
        default="", title="Endpoint", description="URL of an emulator; empty for Google."
    )

    @model_validator(mode="after")
    def _check_combination(self) -> GcsSettings:
        has_key = bool(self.private_key.get_secret_value())
        if has_key != bool(self.client_email):
            missing = "client_email" if has_key else "private_key"
            raise InvalidInput(
                f"{missing} is missing: set both client_email and private_key, or neither"
            )
        if has_key and self.service_account_json.get_secret_value():
            raise InvalidInput(
                "set either service_account_json, or client_email and private_key, not both"
            )
        account = self._service_account()
        if self.anonymous and account is not None:
            raise InvalidInput("set either anonymous or a service account, not both")
        clean_prefix(self.prefix)
        return self

    def address(self) -> str:
        """Return `gs://bucket/prefix`, with the endpoint's host if it is not Google."""
        prefix = clean_prefix(self.prefix)
        if not self.endpoint:
            return build_url("gs", self.bucket, prefix)
        scheme, _, host = self.endpoint.rstrip("/").partition("://")
        return build_url(f"gs+{scheme}", host, f"{self.bucket}/{prefix}")

    def connection_key(self) -> tuple[object, ...]:
        """Return identity and endpoint; the bucket is part of each request (PM-10)."""
        return (
            self.service_account_json.get_secret_value(),
            self.private_key.get_secret_value(),
            self.client_email,
            self.token_uri,
            self.anonymous,
            self.endpoint,
        )

    def connect(self, options: OpenOptions) -> GcsConnection:
        """Return a client and its identity; no request is sent yet."""
        client = HttpClient(
            ClientOptions(timeouts=options.timeouts, connections=options.connections)
        )
        identity = Identity.ANONYMOUS if self.anonymous else Identity.AMBIENT
        endpoint = self.endpoint.rstrip("/") or GOOGLE
        return GcsConnection(client, GcsToken(identity, self._service_account(), endpoint))

    def storage(
        self,
        connection: GcsConnection,
        options: OpenOptions,  # noqa: ARG002 - the connection has them
        *,
        on_close: OnClose = keep_open,
    ) -> GcsStorage:
        """Return the bucket below its prefix."""
        from providers.gcs.storage import GcsStorage  # noqa: PLC0415 - brings crc32c

        connection.client.pools.add_place(self.address())
        return GcsStorage(
            connection.client,
            connection.token,
            self.endpoint.rstrip("/") or GOOGLE,
            self.bucket,
            clean_prefix(self.prefix),
            self.address(),
            on_close=on_close,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return a gcsfs filesystem without listing caches."""
        # Otherwise gcsfs asks for the bucket's type by gRPC, which hangs a minute on emulators.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        import gcsfs  # noqa: PLC0415 - only after the line above

        account = self._service_account()
        token: object = "anon" if self.anonymous else account or "google_default"
        return cast(
            "AbstractFileSystem",
            gcsfs.GCSFileSystem(
                token=token,
                endpoint_url=self.endpoint or None,
                use_listings_cache=False,
                skip_instance_cache=True,
            ),
        )

    @classmethod
    def from_url(cls, url: str) -> GcsSettings:
        """Parse `gs://bucket/prefix` (Google) or `gs+http://host:port/bucket/prefix`."""
        parsed = parse_url(url)
        if "+" not in parsed.scheme:
            return cls(bucket=parsed.host, prefix=parsed.key)
        bucket, _, prefix = parsed.key.partition("/")
        scheme = parsed.scheme.partition("+")[2]
        return cls(bucket=bucket, prefix=prefix, endpoint=f"{scheme}://{parsed.netloc}")

    def _service_account(self) -> dict[str, Any] | None:
        text = self.service_account_json.get_secret_value()
        if text:
            try:
                found: object = json.loads(text)
            except ValueError:
                raise InvalidInput("the service account is not JSON") from None  # a secret
            if not isinstance(found, dict):
                raise InvalidInput("the service account is not a JSON object")
            return cast("dict[str, Any]", found)
        if not self.client_email:
            return None
        return {
            "type": "service_account",
            "client_email": self.client_email,
            "private_key": self.private_key.get_secret_value(),
            "token_uri": self.token_uri or TOKEN_URI,
        }
