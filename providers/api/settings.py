"""Settings of APIs that list files in paginated JSON; read-only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, Self
from urllib.parse import urlencode

from pydantic import Field, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.model.gap import Gap
from catalog.paths import clean_prefix
from providers.api.entries import EXPRESSIONS, Entry, Fields, compile_expression
from providers.api.index import ApiIndex
from providers.api.pagination import Paging, pages
from providers.api.storage import ApiStorage
from providers.base import OpenOptions
from providers.connection import OnClose, keep_open
from providers.http.base_settings import WebSettings, canonical_url
from providers.http.client import HttpClient
from providers.http.pool import Pools

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class ApiSettings(WebSettings, title="API"):
    """Files that an API lists, read-only."""

    root_field: ClassVar[str] = "folder"

    type: Literal["api"] = Field(
        default="api", title="Type", description="Files that an API lists as JSON, read-only."
    )
    url: str = Field(
        title="URL",
        description="Address of the first page, without query and password.",
    )
    parameters: dict[str, str] = Field(
        default_factory=dict[str, str],
        title="Query",
        description="Query parameters of the first page; must not contain secrets.",
    )
    folder: str = Field(default="", title="Folder", description="Only use files in this folder.")
    items: str = Field(
        default="@",
        title="Entries",
        description="JMESPath expression for the list of entries in a page; @ is the page itself.",
    )
    name: str = Field(
        default="name",
        title="Name",
        description="Expression for an entry's path at destinations.",
    )
    link: str = Field(
        default="url",
        title="Link",
        description="Expression for an entry's download URL, absolute or relative to the page.",
    )
    id: str = Field(
        default="",
        title="Id",
        description="Expression for an entry's id, which becomes a property.",
    )
    size: str = Field(
        default="", title="Size", description="Expression for an entry's size in bytes."
    )
    digest: str = Field(
        default="",
        title="Digest",
        description="Expression for an entry's digest, which downloads are verified against:"
        " algorithm:hex, or hex only.",
    )
    etag: str = Field(
        default="",
        title="Mark",
        description="Expression for an entry's etag: a value that changes when its content does.",
    )
    modified: str = Field(
        default="",
        title="Modified",
        description="Expression for an entry's modification time: ISO 8601, or a Unix time.",
    )
    content_type: str = Field(
        default="", title="Media type", description="Expression for an entry's media type."
    )
    properties: dict[str, str] = Field(
        default_factory=dict[str, str],
        title="Properties",
        description="Additional properties to copy with each file: names, each with an expression.",
    )
    next: str = Field(
        default="",
        title="Next page",
        description=(
            "Expression for the next page's URL, or for the value of the parameter below; "
            "empty to use the Link header."
        ),
    )
    next_parameter: str = Field(
        default="",
        title="Next parameter",
        description="Query parameter that selects the next page.",
    )
    page_parameter: str = Field(
        default="",
        title="Page parameter",
        description="Query parameter for the page number, counted up until a page is empty.",
    )
    first_page: int = Field(
        default=1, ge=0, title="First page", description="Number of the first page."
    )

    @field_validator("url")
    @classmethod
    def _canonical_url(cls, value: str) -> str:
        return canonical_url(value)

    @field_validator("folder")
    @classmethod
    def _clean_folder(cls, value: str) -> str:
        return clean_prefix(value)

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        self._fields().check()
        if self.next:
            compile_expression(self.next)
        for name in ("name", "link"):
            if not getattr(self, name):
                raise InvalidInput(f"the field {name!r} needs an expression")
        if self.page_parameter and (self.next or self.next_parameter):
            raise InvalidInput("set either 'page_parameter', or 'next' and 'next_parameter'")
        if self.next_parameter and not self.next:
            raise InvalidInput("'next_parameter' needs an expression for its value in 'next'")
        return self

    def below(self, path: str) -> Self:
        """Return the same settings with the subfolder `path` as the root."""
        inner = clean_prefix(path)
        joined = "/".join(part for part in (self.folder, inner) if part)
        return self.model_copy(update={"folder": joined})

    def address(self) -> str:
        """Return `api+`, the first page's URL with its query, and `!/` with the folder."""
        query = "?" + urlencode(sorted(self.parameters.items())) if self.parameters else ""
        return f"api+{self.url}{query}" + (f"!/{self.folder}" if self.folder else "")

    def connection_key(self) -> tuple[object, ...]:
        """Return every setting but the folder."""
        return (*super().connection_key(), self.model_dump_json(exclude={"folder"}))

    def connect(self, options: OpenOptions) -> ApiConnection:
        """Return pools of connections and an empty index."""
        return ApiConnection(self.pools(options))

    def storage(
        self, connection: ApiConnection, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> ApiStorage:
        """Return the files that the API lists; no request is sent yet."""
        client = self.client(connection.pools, options, home=self.url)
        return ApiStorage(
            partial(self._list_pages, client),
            connection.index,
            client,
            self.url,
            folder=self.folder,
            sizes=bool(self.size),
            etags=bool(self.etag),
            on_close=on_close,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's HTTP filesystem, for exploring; it does not know the listing."""
        from fsspec.implementations.http import HTTPFileSystem  # noqa: PLC0415 - takes a while

        return HTTPFileSystem(use_listings_cache=False, skip_instance_cache=True)

    @classmethod
    def from_url(cls, url: str) -> ApiSettings:
        """Refuse: a URL has no expressions for the pages."""
        raise InvalidInput(
            f"{url!r} does not say how its pages list files: store an API as a block"
        )

    def _list_pages(self, client: HttpClient) -> Iterator[Entry | Gap]:
        query = "?" + urlencode(sorted(self.parameters.items())) if self.parameters else ""
        paging = Paging(self.next, self.next_parameter, self.page_parameter, self.first_page)
        return pages(client, self.url + query, self._fields(), paging)

    def _fields(self) -> Fields:
        return Fields(
            **{one: getattr(self, one) for one in EXPRESSIONS}, properties=self.properties
        )


class ApiConnection:
    """Connection pools, and the index of the listed files."""

    def __init__(self, pools: Pools) -> None:
        """Own the pools."""
        self.pools, self.index = pools, ApiIndex()

    def close(self) -> None:
        """Close everything."""
        self.pools.close()
        self.index.close()
