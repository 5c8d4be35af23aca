"""Any other storage that fsspec knows, by URL and options."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

import fsspec
from fsspec import AbstractFileSystem
from pydantic import Field, JsonValue, SecretStr, field_validator

from catalog.errors import InvalidInput, UnknownProvider
from providers.base import Capabilities, OpenOptions, ProviderSettings
from providers.fsspec_storage import FsspecStorage, MissingRoot
from providers.url import parse_url, shown


class FsspecSettings(ProviderSettings):
    """A place that fsspec reaches: smb, hdfs, github, dropbox, webhdfs and many more."""

    type: Literal["fsspec"] = Field(
        default="fsspec", title="Type", description="Any storage that fsspec knows."
    )
    url: str = Field(title="URL", description="Address as fsspec writes it, without a password.")
    options: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Options",
        description="Arguments of the filesystem that are no secrets.",
    )
    options_json: SecretStr = Field(
        default=SecretStr(""),
        title="Secret options",
        description="A JSON object of further arguments of the filesystem, kept secret.",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, value: str) -> str:
        scheme = parse_url(value).scheme
        known = tuple(fsspec.available_protocols())
        if scheme not in known:
            raise UnknownProvider(scheme, known)
        return value.rstrip("/") if not value.endswith("://") else value

    @field_validator("options_json")
    @classmethod
    def _object(cls, value: SecretStr) -> SecretStr:
        _secrets(value)
        return value

    def address(self) -> str:
        """Return the URL, without its query."""
        return shown(self.url).removesuffix("?…")

    def connection_key(self) -> tuple[object, ...]:
        """Return the options, secret ones included."""
        options = json.dumps(self.options, sort_keys=True)
        return (options, self.options_json.get_secret_value())

    def open(self, options: OpenOptions) -> FsspecStorage:  # noqa: ARG002 - each library has its own
        """Open the place."""
        filesystem = self.filesystem()
        renames = type(filesystem).mv is not AbstractFileSystem.mv
        return FsspecStorage(
            filesystem,
            self.url,
            where=self.address(),
            capabilities=Capabilities(tree=renames, atomic_rename=renames),
            missing_root=MissingRoot.ERROR if renames else MissingRoot.EMPTY,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return the filesystem, its caches off."""
        scheme = parse_url(self.url).scheme
        kind = fsspec.get_filesystem_class(scheme)
        options: dict[str, Any] = {
            **kind._get_kwargs_from_urls(self.url),  # noqa: SLF001 - fsspec's own way
            **self.options,
            **_secrets(self.options_json),
            "use_listings_cache": False,
            "skip_instance_cache": True,
        }
        return cast("AbstractFileSystem", kind(**options))

    @classmethod
    def from_url(cls, url: str) -> FsspecSettings:
        """Take the URL as it is."""
        parse_url(url)
        return cls(url=url)


def _secrets(text: SecretStr) -> dict[str, Any]:
    if not text.get_secret_value():
        return {}
    try:
        found: object = json.loads(text.get_secret_value())
    except ValueError:
        raise InvalidInput("the secret options are not JSON") from None  # the cause quotes them
    if not isinstance(found, dict):
        raise InvalidInput("the secret options are not a JSON object")
    return cast("dict[str, Any]", found)
