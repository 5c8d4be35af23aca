"""The form of a selection: which files take part in a run."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog.filters.selection import exclusion_rules
from catalog.formats.quantities import parse_bytes, parse_duration
from catalog.model.plan import Selection, Sorting

Size = int | str | None
Duration = float | str | None


class SelectionSettings(BaseModel, title="Selection"):
    """Which files take part: those that match every rule that is set."""

    model_config = ConfigDict(extra="forbid")

    include: list[str] = Field(
        default_factory=list[str],
        title="Include",
        description="Globs of the whole path, one of which must match; none for all files.",
    )
    exclude: list[str] = Field(
        default_factory=list[str],
        title="Exclude",
        description="Globs of the whole path, none of which may match.",
    )
    include_regex: list[str] = Field(
        default_factory=list[str],
        title="Include (regular expressions)",
        description="Regular expressions (RE2), one of which must match a part of the path.",
    )
    exclude_regex: list[str] = Field(
        default_factory=list[str],
        title="Exclude (regular expressions)",
        description="Regular expressions (RE2), none of which may match a part of the path.",
    )
    min_size: Size = Field(
        default=None, title="Size from", description="Smallest size: bytes, or text like 10 MiB."
    )
    max_size: Size = Field(
        default=None, title="Size to", description="Largest size: bytes, or text like 10 MiB."
    )
    min_age: Duration = Field(
        default=None, title="Age from", description="Smallest age: seconds, or text like 2 h."
    )
    max_age: Duration = Field(
        default=None, title="Age to", description="Largest age: seconds, or text like 7 d."
    )
    where: str = Field(
        default="",
        title="Condition",
        description=(
            "SQL condition over path, origin, size, etag, modified_us, sha256, digests, "
            "content_type and properties, such as size % 2 = 0."
        ),
    )
    settled: Duration = Field(
        default=None,
        title="Settled for",
        description=(
            "How long a file must not have changed, in seconds or text like 10 min: by its time, "
            "or else by earlier listings of the source."
        ),
    )
    settled_marker: str = Field(
        default="",
        title="Marker",
        description=(
            "Name of a file that must exist before a file takes part, such as {path}.done or "
            "{folder}_SUCCESS; markers themselves do not take part."
        ),
    )
    order: Sorting = Field(
        default=Sorting.PATH,
        title="Order",
        description="Order of the files before Skip and Take apply.",
    )
    skip: int = Field(
        default=0,
        ge=0,
        title="Skip",
        description="How many of the matching files to skip.",
    )
    take: int | None = Field(
        default=None, ge=0, title="Take", description="Most files that take part."
    )

    @model_validator(mode="after")
    def _usable(self) -> Self:
        exclusion_rules(self.values())
        return self

    def values(self) -> Selection:
        """Return the selection."""
        return Selection(
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            include_regex=tuple(self.include_regex),
            exclude_regex=tuple(self.exclude_regex),
            min_size=_bytes(self.min_size),
            max_size=_bytes(self.max_size),
            min_age_s=_seconds(self.min_age),
            max_age_s=_seconds(self.max_age),
            where=self.where.strip(),
            settled_s=_seconds(self.settled),
            settled_marker=self.settled_marker,
            order=self.order,
            skip=self.skip,
            take=self.take,
        )


def build_selection(
    form: SelectionSettings | None,
    *,
    include: list[str] | None,
    exclude: list[str] | None,
    skip_empty: bool,
    allow_empty: bool,
) -> Selection:
    """Combine a flow's own parameters and the form into one selection: both apply.

    Ages are relative to now, before the source is listed, so that a file that changes during a long
    listing counts as new.
    """
    base = (form or SelectionSettings()).values()
    return replace(
        base,
        also_include=tuple(include or ()),
        exclude=(*base.exclude, *(exclude or ())),
        skip_empty=skip_empty,
        allow_empty=allow_empty,
        as_of_us=time.time_ns() // 1000,
    )


def _bytes(size: Size) -> int | None:
    return parse_bytes(size) if isinstance(size, str) else size


def _seconds(duration: Duration) -> float | None:
    return parse_duration(duration) if isinstance(duration, str) else duration
