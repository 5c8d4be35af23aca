"""Settings of a bucket in S3 or a compatible store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import unquote

from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.s3.login import S3Login
from providers.shared.url import parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.s3.connection import S3Connection
    from providers.s3.storage import S3Storage


class S3Settings(ProviderSettings, title="S3"):
    """A bucket, or a prefix in one, in AWS or any S3-compatible store."""

    root_field: ClassVar[str] = "prefix"

    type: Literal["s3"] = Field(
        default="s3", title="Type", description="Amazon S3 and compatible stores."
    )
    bucket: str = Field(title="Bucket", description="Name of the bucket.", min_length=1)
    prefix: str = Field(
        default="", title="Prefix", description="Folder in the bucket; empty for the whole bucket."
    )
    endpoint: str = Field(
        default="", title="Endpoint", description="URL of an S3-compatible store; empty for AWS."
    )
    region: str = Field(default="us-east-1", title="Region", description="Region of the bucket.")
    access_key_id: str = Field(
        default="",
        title="Access key id",
        description="Access key; empty to use the environment, profile, or instance role.",
    )
    secret_access_key: SecretStr = Field(
        default=SecretStr(""),
        title="Secret access key",
        description="Secret of the access key id.",
    )
    session_token: SecretStr = Field(
        default=SecretStr(""),
        title="Session token",
        description="Session token of temporary credentials.",
    )
    anonymous: bool = Field(
        default=False, title="Anonymous", description="Send unsigned requests to a public bucket."
    )
    path_style: bool = Field(
        default=False,
        title="Path style",
        description="Send the bucket in the path, not in the host name; always with an endpoint.",
    )
    certificate: str = Field(
        default="", title="CA certificates", description="CA certificates to trust, as PEM text."
    )
    insecure: bool = Field(
        default=False,
        title="Insecure",
        description="Accept any TLS certificate (for tests only).",
    )

    @model_validator(mode="after")
    def _check_combination(self) -> S3Settings:
        if bool(self.access_key_id) != bool(self.secret_access_key.get_secret_value()):
            missing = "secret_access_key" if self.access_key_id else "access_key_id"
            raise ValueError(f"{missing} is missing: set both keys or neither")
        if self.anonymous and self.access_key_id:
            raise ValueError("set either anonymous or access keys, not both")
        clean_prefix(self.prefix)
        return self

    def address(self) -> str:
        """Return `s3://bucket/prefix`, with the endpoint's host if it is not AWS."""
        path = "/".join(part for part in (self.bucket, clean_prefix(self.prefix)) if part)
        if not self.endpoint:
            return f"s3://{path}"
        scheme, _, rest = self.endpoint.rstrip("/").partition("://")
        return f"s3+{scheme}://{rest}/{path}"

    def connection_key(self) -> tuple[object, ...]:
        """Return everything but bucket and prefix (PM-10)."""
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

    def login(self) -> S3Login:
        """Return the credentials and the endpoint."""
        return S3Login(
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            session_token=self.session_token,
            anonymous=self.anonymous,
            path_style=self.path_style,
            certificate=self.certificate,
            insecure=self.insecure,
        )

    def connect(self, options: OpenOptions) -> S3Connection:
        """Return the clients; no request is sent yet."""
        from providers.s3.connection import S3Connection  # noqa: PLC0415 - botocore is slow

        return S3Connection(self.login(), options)

    def storage(
        self,
        connection: S3Connection,
        options: OpenOptions,  # noqa: ARG002 - the connection has them
        *,
        on_close: OnClose = keep_open,
    ) -> S3Storage:
        """Return the bucket below its prefix."""
        return connection.storage(self.bucket, clean_prefix(self.prefix), self.address(), on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return an s3fs filesystem without listing caches and without botocore's retries."""
        from providers.s3.connection import open_s3fs  # noqa: PLC0415 - as above

        return open_s3fs(self.login(), OpenOptions())

    @classmethod
    def from_url(cls, url: str) -> S3Settings:
        """Parse `s3://bucket/prefix` (AWS) or `s3+http://host:port/bucket/prefix`."""
        parse_url(url)  # refuses a password in it
        scheme, _, rest = url.partition("://")
        endpoint = ""
        if scheme != "s3":
            host, _, rest = rest.partition("/")
            endpoint = f"{scheme.removeprefix('s3+')}://{host}"
        bucket, _, prefix = rest.partition("/")
        if not bucket:
            raise InvalidInput(f"{url!r} has no bucket: expected s3://bucket/prefix")
        return cls(bucket=unquote(bucket), prefix=unquote(prefix), endpoint=endpoint)
