"""The `Repository` block: a configured place for files.

There is one block type for every provider, so that each run form has one picker with all of them.
Its storage is a plain union of provider settings, each with its own `type`, including those of
installed plug-ins.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self, Union

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator, model_validator

from blocks.limits import LimitSettings
from blocks.objective import ObjectiveSettings
from catalog.formats.manifest import is_manifest
from catalog.paths import check_path, clean_prefix, is_below
from catalog.settings import memory
from orchestration.block import Block
from providers.base import PART, OpenOptions, ProviderSettings, Timeouts
from providers.registry import provider, registered_providers, scheme_of
from providers.shared.url import parse_url
from transfer.workers.limits import Limits
from transfer.workers.retry import RetryPolicy

if TYPE_CHECKING:
    StorageChoice = ProviderSettings
else:
    StorageChoice = Union[tuple(provider(kind) for kind in registered_providers())]  # noqa: UP007 - made at run time


class Layout(StrEnum):
    """How a destination names its files."""

    PATH = "path"
    """Under their paths; during a sync a reader may see new files beside old ones."""
    CONTENT = "content"
    """Under their digests; `current` always lists one complete version."""
    VERSIONED = "versioned"
    """Each stored version of a path under a number; `current` lists the current ones."""


class HistorySettings(BaseModel, title="History"):
    """What happens to files that are replaced or removed at a destination."""

    model_config = ConfigDict(extra="forbid")

    keep: bool = Field(
        default=True,
        title="Keep",
        description=(
            "Keep them below .entrepot/history of the destination, so that older versions can be "
            "restored; off to delete them."
        ),
    )


class RetrySettings(BaseModel, title="Retries"):
    """How failed requests are retried."""

    model_config = ConfigDict(extra="forbid")

    retries: int = Field(
        default=3,
        ge=0,
        le=100,
        title="Retries",
        description="Most retries of a request; 0 for none.",
    )
    first_s: float = Field(
        default=0.5, ge=0, title="First wait", description="Seconds before the first retry."
    )
    longest_s: float = Field(
        default=60.0, ge=0, title="Longest wait", description="Longest wait in seconds."
    )


class TimeoutSettings(BaseModel, title="Time-outs"):
    """How long to wait for an unresponsive connection, in seconds."""

    model_config = ConfigDict(extra="forbid")

    connect_s: float = Field(
        default=10.0, gt=0, title="Connect", description="Seconds to establish a connection."
    )
    read_s: float = Field(
        default=30.0, gt=0, title="Read", description="Seconds without receiving a byte."
    )
    write_s: float = Field(
        default=30.0, gt=0, title="Write", description="Seconds without sending a byte."
    )
    total_s: float | None = Field(
        default=None, gt=0, title="Total", description="Seconds for one whole request."
    )


class Repository(Block):
    """A configured place for files: a source or a destination of Entrepot.

    Example:
        Load a stored repository and list what is in it:

        ```python
        from blocks.repository import Repository

        repository = Repository.load("BLOCK_NAME")
        print(repository.address)
        ```
    """

    # The input may contain a password in the wrong place.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Entrepot Repository"
    _block_type_slug = "entrepot-repository"
    _description = (
        "A place for files (a folder, a bucket, a web server, an SFTP account …), with its "
        "credentials and limits. Every flow of Entrepot accepts it as source or destination."
    )
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://raw.githubusercontent.com/PrefectHQ/prefect/"
        "420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos/filesystem.png"
    )
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.prefect.io/v3/concepts/blocks"
    )

    storage: StorageChoice = Field(
        title="Storage", description="Where the files are, and how to log in there."
    )
    path: str = Field(
        default="", title="Path", description="Folder below the storage's root; empty for the root."
    )
    manifest: str = Field(
        default="",
        title="Manifest",
        description=(
            "Name of a file below the path (PULP_MANIFEST, SHA256SUMS, *.manifest) that lists the "
            "files with their digests, which are enforced; empty to list the storage itself."
        ),
    )
    mirrors: list[str] = Field(
        default_factory=list[str],
        title="Mirrors",
        description=(
            "Block names or addresses of other sources of the same files, tried in order if a file "
            "with a declared digest cannot be read here or is damaged here."
        ),
    )
    alternates: list[str] = Field(
        default_factory=list[str],
        title="Alternates",
        description=(
            "Block names or addresses of repositories that may have the same bytes under any "
            "names: files whose digest they declare are read from them first."
        ),
    )
    layout: Layout = Field(
        default=Layout.PATH,
        title="Layout",
        description="How the repository names files when it is a destination.",
    )
    history: HistorySettings = Field(
        default_factory=HistorySettings,
        title="History",
        description="What happens to files that are replaced or removed when it is a destination.",
    )
    markers: str = Field(
        default="",
        title="Markers",
        description=(
            "Folder below the path for the markers of the strategy `marker`, hidden from listings; "
            "with a leading slash, below the storage's root; empty for .entrepot/done."
        ),
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings, title="Limits", description="Limits on its use."
    )
    retry: RetrySettings = Field(
        default_factory=RetrySettings, title="Retries", description="When to retry requests."
    )
    timeouts: TimeoutSettings = Field(
        default_factory=TimeoutSettings, title="Time-outs", description="When to stop waiting."
    )
    objectives: list[ObjectiveSettings] = Field(
        default_factory=list[ObjectiveSettings],
        title="Objectives",
        description="Files that it is expected to receive; the flow `freshness` checks them.",
    )
    labels: dict[str, str] = Field(
        default_factory=dict, title="Labels", description="Your own labels, by which to select it."
    )

    @field_validator("path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        return clean_prefix(value)

    @field_validator("markers")
    @classmethod
    def _check_markers(cls, value: str) -> str:
        folder = clean_prefix(value)
        return ("/" if value.startswith("/") else "") + (check_path(folder) if folder else "")

    @field_validator("mirrors", "alternates")
    @classmethod
    def _refuse_passwords(cls, value: list[str]) -> list[str]:
        for reference in value:
            if scheme_of(reference) is not None:
                parse_url(reference)
        return value

    @field_validator("manifest")
    @classmethod
    def _check_manifest(cls, value: str) -> str:
        if value and not is_manifest(value):
            raise ValueError(
                "expected the name of a manifest: PULP_MANIFEST, SHA256SUMS or *.manifest"
            )
        return value

    @model_validator(mode="after")
    def _normalise_markers(self) -> Self:
        """Make a markers folder that is below the path relative to it."""
        folder = self.markers.removeprefix("/")
        if folder != self.markers and is_below(folder, self.path):
            raise ValueError(f"the markers folder {folder!r} contains the files: choose another")
        if folder != self.markers and is_below(self.path, folder):
            self.markers = folder.removeprefix(self.path).lstrip("/")
        return self

    @classmethod
    def named(cls, name: str) -> Self:
        """Load the stored repository of this name, also in a notebook."""
        return cls.load(name, _sync=True)  # type: ignore[call-arg, return-value]

    @property
    def settings(self) -> ProviderSettings:
        """Return the storage's settings, rooted at the repository's path."""
        return self.storage.below(self.path)

    @property
    def address(self) -> str:
        """Return the canonical URL without secrets, the repository's identity in the catalog."""
        return self.settings.address()

    @property
    def name(self) -> str | None:
        """Return the name it is stored under, if any."""
        return self._block_document_name

    @property
    def label(self) -> str:
        """Return its name, or its address if it has none."""
        return self.name or self.address

    def below(self, folder: str) -> Repository:
        """Return a folder of it as a repository with the same settings and no name."""
        values: dict[str, Any] = {name: getattr(self, name) for name in Repository.model_fields}
        values["path"] = f"{self.path}/{folder}".lstrip("/")
        return Repository(**values)

    def open_options(self) -> OpenOptions:
        """Return the options of every connection to it."""
        timeouts = Timeouts(**self.timeouts.model_dump())
        part = min(PART, memory() // 8)
        return OpenOptions(connections=self.limits.connections, timeouts=timeouts, part=part)

    def process_limits(self) -> Limits:
        """Return the limits that this process enforces."""
        return self.limits.in_process()

    def retry_policy(self) -> RetryPolicy:
        """Return when to retry requests."""
        retry = self.retry
        return RetryPolicy(retry.retries, retry.first_s, longest_s=retry.longest_s)
