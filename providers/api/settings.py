"""Files that an API lists in JSON, page by page, wherever their bytes lie; read only."""

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
    """Files that an API lists, to be read."""

    root_field: ClassVar[str] = "folder"

    type: Literal["api"] = Field(
        default="api", title="Type", description="Files that an API lists as JSON, read only."
    )
    url: str = Field(
        title="URL",
        description="Address of the first page, without a query and without a password.",
    )
    parameters: dict[str, str] = Field(
        default_factory=dict[str, str],
        title="Query",
        description="Parameters of the first page's query, none of them a secret.",
    )
    folder: str = Field(
        default="", title="Folder", description="Take only files whose names begin with it."
    )
    items: str = Field(
        default="@",
        title="Entries",
        description="JMESPath expression for the list in a page; @ is the page itself.",
    )
    name: str = Field(
        default="name", title="Name", description="Expression for an entry's path at destinations."
    )
    link: str = Field(
        default="url",
        title="Link",
        description="Expression for the URL of its bytes, whole or relative to the page.",
    )
    id: str = Field(
        default="", title="Id", description="Expression for its id, which becomes a property."
    )
    size: str = Field(default="", title="Size", description="Expression for its bytes.")
    digest: str = Field(
        default="",
        title="Digest",
        description="Expression for its digest: algorithm:hex, or hex alone; it is enforced.",
    )
    etag: str = Field(
        default="", title="Mark", description="Expression for what changes whenever its bytes do."
    )
    modified: str = Field(
        default="",
        title="Modified",
        description="Expression for its time: ISO 8601, or a number since 1970.",
    )
    content_type: str = Field(
        default="", title="Media type", description="Expression for its media type."
    )
    properties: dict[str, str] = Field(
        default_factory=dict[str, str],
        title="Properties",
        description="What else is to travel with it: names, each with an expression.",
    )
    next: str = Field(
        default="",
        title="Next page",
        description=(
            "Expression for the next page's URL, or its value for the parameter below; "
            "empty: the Link header tells."
        ),
    )
    next_parameter: str = Field(
        default="", title="Next parameter", description="Parameter that leads to the next page."
    )
    page_parameter: str = Field(
        default="",
        title="Page parameter",
        description="Parameter that counts pages, until one is empty.",
    )
    first_page: int = Field(
        default=1, ge=0, title="First page", description="Where that parameter begins."
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
            raise InvalidInput("pages are either counted, or lead to each other: not both")
        if self.next_parameter and not self.next:
            raise InvalidInput("a next parameter needs the expression for its value in 'next'")
        return self

    def below(self, path: str) -> Self:
        """Return the files below a folder of theirs."""
        inner = clean_prefix(path)
        joined = "/".join(part for part in (self.folder, inner) if part)
        return self.model_copy(update={"folder": joined})

    def address(self) -> str:
        """Return `api+` and the first page's URL with its query, and the folder behind a `!`."""
        query = "?" + urlencode(sorted(self.parameters.items())) if self.parameters else ""
        return f"api+{self.url}{query}" + (f"!/{self.folder}" if self.folder else "")

    def connection_key(self) -> tuple[object, ...]:
        """Return what decides what is listed, and how."""
        return (*super().connection_key(), self.model_dump_json(exclude={"folder"}))

    def connect(self, options: OpenOptions) -> ApiConnection:
        """Return pools of connections, and nothing listed yet."""
        return ApiConnection(self.pools(options))

    def storage(
        self, connection: ApiConnection, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> ApiStorage:
        """Return what the API lists; nothing is asked of the server yet."""
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
        """Return fsspec's HTTP filesystem, for looking around; it knows nothing of the listing."""
        from fsspec.implementations.http import HTTPFileSystem  # noqa: PLC0415 - takes a while

        return HTTPFileSystem(use_listings_cache=False, skip_instance_cache=True)

    @classmethod
    def from_url(cls, url: str) -> ApiSettings:
        """Refuse: no URL tells where in a page the files are."""
        raise InvalidInput(f"{url!r} does not tell where its files are: store an API as a block")

    def _list_pages(self, client: HttpClient) -> Iterator[Entry | Gap]:
        query = "?" + urlencode(sorted(self.parameters.items())) if self.parameters else ""
        paging = Paging(self.next, self.next_parameter, self.page_parameter, self.first_page)
        return pages(client, self.url + query, self._fields(), paging)

    def _fields(self) -> Fields:
        return Fields(
            **{one: getattr(self, one) for one in EXPRESSIONS}, properties=self.properties
        )


class ApiConnection:
    """Pools of connections, and what was listed through them."""

    def __init__(self, pools: Pools) -> None:
        """Hold the pools."""
        self.pools, self.index = pools, ApiIndex()

    def close(self) -> None:
        """Free it all."""
        self.pools.close()
        self.index.close()
