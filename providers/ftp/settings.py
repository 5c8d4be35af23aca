"""Settings of FTP servers, with or without TLS."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.ftp.connection import FtpConnections, FtpPlace, FtpTls
from providers.ftp.storage import FtpStorage
from providers.shared.tls_context import make_context
from providers.shared.tls_fields import Authorities, VerifyTls
from providers.shared.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class FtpSettings(ProviderSettings, title="FTP"):
    """A folder of an FTP server."""

    type: Literal["ftp"] = Field(default="ftp", title="Type", description="Files on an FTP server.")
    host: str = Field(title="Host", description="Name or address of the server.", min_length=1)
    port: int = Field(
        default=0, title="Port", description="Port of the server; 0 for the default.", ge=0
    )
    path: str = Field(default="/", title="Folder", description="Absolute path of the folder.")
    username: str = Field(
        default="", title="User", description="User name; empty to log in anonymously."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password of the user."
    )
    tls: FtpTls = Field(
        default=FtpTls.NONE,
        title="TLS",
        description="Encryption: none, explicit (AUTH TLS), or implicit (from the first byte).",
    )
    encoding: str = Field(
        default="utf-8",
        title="Encoding",
        description="Encoding of file names, if it is not UTF-8: latin-1, cp1252, cp437.",
    )
    certificate: Authorities = ""
    verify_tls: VerifyTls = True

    @field_validator("path")
    @classmethod
    def _clean_path(cls, value: str) -> str:
        return "/" + clean_prefix(value)

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
            plain = "a/".encode(name) == b"a/"
        except (LookupError, UnicodeError):
            name, plain = value, False
        if not plain:
            raise ValueError(
                f"{value!r} is not a supported encoding of file names: use utf-8, latin-1, cp1252"
            )
        return name

    @field_validator("host")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()

    @model_validator(mode="after")
    def _check_combination(self) -> FtpSettings:
        if self.password.get_secret_value() and not self.username:
            raise InvalidInput("a password needs its user")
        return self

    def address(self) -> str:
        """Return `ftp://host/path` or `ftps://host/path`."""
        scheme = "ftp" if self.tls is FtpTls.NONE else "ftps"
        user = f"{self.username}@" if self.username else ""
        port = "" if self._port() == 21 else f":{self._port()}"
        return build_url(scheme, f"{user}{self.host}{port}", clean_prefix(self.path))

    def connection_key(self) -> tuple[object, ...]:
        """Return everything but the folder."""
        return (
            self.host,
            self._port(),
            self.username,
            self.password.get_secret_value(),
            self.tls,
            self.certificate,
            self.verify_tls,
            self.encoding,
        )

    def connect(self, options: OpenOptions) -> FtpConnections:
        """Return a pool, which connects on demand."""
        context = None
        if self.tls is not FtpTls.NONE:
            context = make_context(authorities=self.certificate, verify=self.verify_tls)
        place = FtpPlace(
            self.host,
            self._port(),
            self.username,
            self.password,
            self.tls,
            context,
            self.encoding,
        )
        return FtpConnections(place, options, self.model_copy(update={"path": "/"}).address())

    def storage(
        self,
        connection: FtpConnections,
        options: OpenOptions,  # noqa: ARG002 - the connections have them
        *,
        on_close: OnClose = keep_open,
    ) -> FtpStorage:
        """Return the folder."""
        where = self.address()
        return FtpStorage(connection.for_folder(where), clean_prefix(self.path), where, on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's FTP filesystem, for exploring; it uses one connection."""
        from fsspec.implementations.ftp import FTPFileSystem  # noqa: PLC0415 - connects when made

        return FTPFileSystem(
            self.host,
            port=self._port(),
            username=self.username or None,
            password=self.password.get_secret_value() or None,
            tls=self.tls is not FtpTls.NONE,
            skip_instance_cache=True,
            use_listings_cache=False,
            encoding=self.encoding,
        )

    @classmethod
    def from_url(cls, url: str) -> FtpSettings:
        """Parse `ftp://user@host/path`; ftps is explicit TLS, but implicit on port 990."""
        parsed = parse_url(url)
        tls = FtpTls.NONE
        if parsed.scheme == "ftps":
            tls = FtpTls.IMPLICIT if parsed.port == 990 else FtpTls.EXPLICIT
        return cls(
            host=parsed.host,
            port=parsed.port or 0,
            path=parsed.path or "/",
            username=parsed.user,
            tls=tls,
        )

    def _port(self) -> int:
        return self.port or (990 if self.tls is FtpTls.IMPLICIT else 21)
