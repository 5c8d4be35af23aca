"""S3 and every store that speaks its protocol: the settings of a bucket."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import botocore.session
import s3fs
from obstore.store import S3Store
from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.object_storage import ObjectBytes, client_config, no_retries
from providers.s3_storage import S3Storage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore.store import S3Credential


class S3Settings(ProviderSettings):
    """A bucket, or a prefix in one, at AWS or any store that speaks S3."""

    type: Literal["s3"] = Field(default="s3", title="Type", description="Amazon S3 and alike.")
    bucket: str = Field(title="Bucket", description="Name of the bucket.", min_length=1)
    prefix: str = Field(
        default="", title="Prefix", description="Folder in the bucket; empty for the whole bucket."
    )
    endpoint: str = Field(
        default="", title="Endpoint", description="URL of the store; empty for AWS."
    )
    region: str = Field(default="us-east-1", title="Region", description="Region of the bucket.")
    access_key_id: str = Field(
        default="",
        title="Access key id",
        description="Empty for the ambient identity (environment, profile, instance role).",
    )
    secret_access_key: SecretStr = Field(
        default=SecretStr(""), title="Secret access key", description="Goes with the key id."
    )
    session_token: SecretStr = Field(
        default=SecretStr(""), title="Session token", description="For temporary credentials."
    )
    anonymous: bool = Field(
        default=False, title="Anonymous", description="Send unsigned requests to a public bucket."
    )
    path_style: bool = Field(
        default=False,
        title="Path style",
        description="Bucket in the path, not in the host name; always so with an endpoint.",
    )
    certificate: str = Field(
        default="", title="CA certificates", description="PEM of the authorities to trust."
    )
    insecure: bool = Field(
        default=False, title="Insecure", description="Accept any TLS certificate (tests only)."
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> S3Settings:
        if bool(self.access_key_id) != bool(self.secret_access_key.get_secret_value()):
            missing = "secret_access_key" if self.access_key_id else "access_key_id"
            raise ValueError(f"{missing} is missing: give both keys or neither")
        if self.anonymous and self.access_key_id:
            raise ValueError("anonymous excludes access keys")
        clean_prefix(self.prefix)
        return self

    def address(self) -> str:
        """Return `s3://bucket/prefix`, with the endpoint's host where it is not AWS."""
        path = "/".join(part for part in (self.bucket, clean_prefix(self.prefix)) if part)
        if not self.endpoint:
            return f"s3://{path}"
        scheme, _, rest = self.endpoint.rstrip("/").partition("://")
        return f"s3+{scheme}://{rest}/{path}"

    def connection_key(self) -> tuple[object, ...]:
        """Return all but bucket and prefix (PM-10)."""
        return (
            self.endpoint,
            self.region,
            self.access_key_id,
            self.secret_access_key.get_secret_value(),
            self.session_token.get_secret_value(),
            self.anonymous,
            self.path_style,
            self.certificate,
            self.insecure,
        )

    def open(self, options: OpenOptions) -> S3Storage:
        """Open the bucket below its prefix."""
        filesystem, objects = self.open_parts(options)
        store = (self.endpoint, self.access_key_id or self.anonymous)
        return S3Storage(filesystem, objects, self.bucket, store)

    def filesystem(self) -> AbstractFileSystem:
        """Return s3fs, listing caches off, botocore's own retries off."""
        return self._filesystem(OpenOptions())

    def _filesystem(self, options: OpenOptions) -> s3fs.S3FileSystem:
        client: dict[str, Any] = {"region_name": self.region}
        if self.insecure:
            client["verify"] = False
        elif self.certificate:
            client["verify"] = _pem_file(self.certificate)
        path_style = self.path_style or bool(self.endpoint)
        return s3fs.S3FileSystem(
            key=self.access_key_id or None,
            secret=self.secret_access_key.get_secret_value() or None,
            token=self.session_token.get_secret_value() or None,
            anon=self.anonymous,
            endpoint_url=self.endpoint or None,
            use_listings_cache=False,
            skip_instance_cache=True,
            client_kwargs=client,
            config_kwargs={
                "s3": {"addressing_style": "path" if path_style else "auto"},
                "connect_timeout": options.timeouts.connect_s,
                "read_timeout": options.timeouts.read_s,
                "retries": {"max_attempts": 0},
                "max_pool_connections": max(10, options.connections),
            },
        )

    def open_parts(self, options: OpenOptions) -> tuple[s3fs.S3FileSystem, ObjectBytes]:
        """Return the control plane (s3fs) and the data plane (obstore)."""
        filesystem = self._filesystem(options)
        secret = self.secret_access_key.get_secret_value()
        given: dict[str, Any] = {}
        if self.anonymous:
            given["skip_signature"] = True
        elif self.access_key_id:
            given["access_key_id"] = self.access_key_id
            given["secret_access_key"] = secret
            if token := self.session_token.get_secret_value():
                given["token"] = token
        else:
            given["credential_provider"] = _ambient
        if self.endpoint:
            given["endpoint"] = self.endpoint
        store = S3Store(
            self.bucket,
            region=self.region,
            virtual_hosted_style_request=not (self.path_style or bool(self.endpoint)),
            checksum_algorithm="sha256",
            client_options=client_config(
                options.timeouts, self.certificate or None, insecure=self.insecure
            ),
            retry_config=no_retries(),
            **given,
        )
        return filesystem, ObjectBytes(store, clean_prefix(self.prefix), self.address())

    @classmethod
    def from_url(cls, url: str) -> S3Settings:
        """Read `s3://bucket/prefix` (AWS) or `s3+http://host:port/bucket/prefix`."""
        scheme, _, rest = url.partition("://")
        endpoint = ""
        if scheme != "s3":
            host, _, rest = rest.partition("/")
            endpoint = f"{scheme.removeprefix('s3+')}://{host}"
        bucket, _, prefix = rest.partition("/")
        if not bucket:
            raise InvalidInput(f"{url!r} names no bucket: expected s3://bucket/prefix")
        return cls(bucket=unquote(bucket), prefix=unquote(prefix), endpoint=endpoint)


def _ambient() -> S3Credential:
    """Ask botocore's own credential chain, so that both planes bear one identity."""
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise ValueError("no ambient AWS identity was found; set keys, or anonymous")
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
