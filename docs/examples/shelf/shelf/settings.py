"""What a person types to reach a shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.shared.url import build_url, parse_url
from pydantic import Field

from shelf.database import Database
from shelf.storage import ShelfStorage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class ShelfSettings(ProviderSettings, title="Shelf"):
    """A folder of files in a SQLite database."""

    type: Literal["shelf"] = Field(default="shelf", title="Type", description="A SQLite file.")
    file: str = Field(title="File", description="Absolute path of the database.")
    path: str = Field(default="", title="Folder", description="Folder in it; empty for all.")

    def address(self) -> str:
        """Return `shelf:///file!folder`: the identity in the catalog, without any secret."""
        folder = f"!{self.path}" if self.path else ""
        return build_url("shelf", "", f"{self.file}{folder}")

    def connection_key(self) -> tuple[object, ...]:
        """Return all that `connect` reads."""
        return (self.file,)

    def connect(self, options: OpenOptions) -> Database:
        """Open the database, for as long as somebody uses it."""
        return Database(self.file, options.timeouts.connect_s)

    def storage(
        self, connection: Database, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> ShelfStorage:
        """Return the folder: cheap, made anew for each use."""
        return ShelfStorage(connection, clean_prefix(self.path), on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Refuse: fsspec has nothing for it."""
        raise InvalidInput("a shelf has no fsspec filesystem")

    @classmethod
    def from_url(cls, url: str) -> ShelfSettings:
        """Read `shelf:///file!folder`."""
        file, _, folder = parse_url(url).path.partition("!")
        return cls(file=file, path=folder)
