"""Settings of any other storage that fsspec supports, by URL and options."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import Field, JsonValue, SecretStr, field_validator

from catalog.errors import InvalidInput, UnknownProvider
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.shared.url import parse_url, redact_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.fsspec.storage import FsspecStorage


@dataclass(frozen=True, slots=True)
class FsspecConnection:
    """A filesystem, which closes its sessions itself when unreferenced."""

    filesystem: AbstractFileSystem

    def close(self) -> None:
        """Clear its listing cache."""
        self.filesystem.invalidate_cache()


class FsspecSettings(ProviderSettings, title="fsspec"):
    """A storage that fsspec supports: smb, hdfs, github, dropbox, webhdfs and many more."""

    root_field: ClassVar[str] = "url"

    type: Literal["fsspec"] = Field(
        default="fsspec", title="Type", description="Any storage that fsspec supports."
    )
    url: str = Field(title="URL", description="fsspec URL of the storage, without a password.")
    options: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Options",
        description="Arguments of the fsspec filesystem that are not secret.",
    )
    options_json: SecretStr = Field(
        default=SecretStr(""),
        title="Secret options",
        description="Secret arguments of the fsspec filesystem, as a JSON object.",
    )

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, value: str) -> str:
        import fsspec  # noqa: PLC0415 - only where it is used

        scheme = parse_url(value).scheme
        known = tuple(fsspec.available_protocols())
        if scheme not in known:
            raise UnknownProvider(scheme, known)
        return value.rstrip("/") if not value.endswith("://") else value

    @field_validator("options_json")
    @classmethod
    def _check_json(cls, value: SecretStr) -> SecretStr:
        _parse_secret_options(value)
        return value

    def below(self, path: str) -> Self:
        """Return the same settings with the subfolder `path` as the root; handles a bare `x://`."""
        if path and self.url.endswith("://"):
            return self.model_copy(update={"url": self.url + clean_prefix(path)})
        return super().below(path)

    def address(self) -> str:
        """Return the URL, without its query."""
        return redact_url(self.url).removesuffix("?…")

    def connection_key(self) -> tuple[object, ...]:
        """Return the options, secret ones included, and the URL, which may contain options too."""
        options = json.dumps(self.options, sort_keys=True)
        return (self.url, options, self.options_json.get_secret_value())

    def connect(self, options: OpenOptions) -> FsspecConnection:  # noqa: ARG002 - each library has its own
        """Create the filesystem."""
        return FsspecConnection(self.filesystem())

    def storage(
        self,
        connection: FsspecConnection,
        options: OpenOptions,
        *,
        on_close: OnClose = keep_open,
    ) -> FsspecStorage:
        """Return the storage."""
        from fsspec import AbstractFileSystem  # noqa: PLC0415 - only where it is used

        from providers.fsspec.storage import FsspecStorage, MissingRoot  # noqa: PLC0415 - the same

        filesystem = connection.filesystem
        renames = type(filesystem).mv is not AbstractFileSystem.mv
        return FsspecStorage(
            filesystem,
            self.url,
            where=self.address(),
            capabilities=Capabilities(tree=renames, atomic_rename=renames),
            missing_root=MissingRoot.ERROR if renames else MissingRoot.EMPTY,
            on_close=on_close,
            timeouts=options.timeouts,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return the filesystem without caches."""
        import fsspec  # noqa: PLC0415 - only where it is used

        scheme = parse_url(self.url).scheme
        kind = fsspec.get_filesystem_class(scheme)
        options: dict[str, Any] = {
            **kind._get_kwargs_from_urls(self.url),  # noqa: SLF001 - fsspec's own way
            **self.options,
            **_parse_secret_options(self.options_json),
            "use_listings_cache": False,
            "skip_instance_cache": True,
        }
        return cast("AbstractFileSystem", kind(**options))

    @classmethod
    def from_url(cls, url: str) -> FsspecSettings:
        """Use the URL unchanged."""
        parse_url(url)
        return cls(url=url)


def _parse_secret_options(text: SecretStr) -> dict[str, Any]:
    if not text.get_secret_value():
        return {}
    try:
        found: object = json.loads(text.get_secret_value())
    except ValueError:
        raise InvalidInput("the secret options are not JSON") from None  # the cause quotes them
    if not isinstance(found, dict):
        raise InvalidInput("the secret options are not a JSON object")
    return cast("dict[str, Any]", found)
