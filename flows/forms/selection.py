"""The form of a selection: which files take part, in fields that a person fills in."""

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
    """Which files take part: those that every given rule lets through, whatever the provider."""

    model_config = ConfigDict(extra="forbid")

    include: list[str] = Field(
        default_factory=list[str],
        title="Include",
        description="Globs over the whole path, of which one must match; none for all.",
    )
    exclude: list[str] = Field(
        default_factory=list[str],
        title="Exclude",
        description="Globs over the whole path, of which none may match.",
    )
    include_regex: list[str] = Field(
        default_factory=list[str],
        title="Include (regular expressions)",
        description="Regular expressions (RE2), of which one must be found in the path.",
    )
    exclude_regex: list[str] = Field(
        default_factory=list[str],
        title="Exclude (regular expressions)",
        description="Regular expressions (RE2), of which none may be found in the path.",
    )
    min_size: Size = Field(
        default=None, title="Size from", description="Bytes, at least, or text like 10 MiB."
    )
    max_size: Size = Field(
        default=None, title="Size to", description="Bytes, at most, or text like 10 MiB."
    )
    min_age: Duration = Field(
        default=None, title="Age from", description="Seconds, at least, or text like 2 h."
    )
    max_age: Duration = Field(
        default=None, title="Age to", description="Seconds, at most, or text like 7 d."
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
            "Seconds, or text like 10 min, for which a file must not have changed: by its time, "
            "or else by what earlier listings of the source recorded."
        ),
    )
    settled_marker: str = Field(
        default="",
        title="Marker",
        description=(
            "Name of a file that must be there before another is taken, such as {path}.done "
            "or {folder}_SUCCESS; markers themselves take no part."
        ),
    )
    order: Sorting = Field(
        default=Sorting.PATH,
        title="Order",
        description="By what files are ordered before some are skipped and taken.",
    )
    skip: int = Field(
        default=0,
        ge=0,
        title="Skip",
        description="How many of the files that are left are passed over.",
    )
    take: int | None = Field(
        default=None, ge=0, title="Take", description="How many files take part, at most."
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


def selected(
    chosen: SelectionSettings | None,
    *,
    include: list[str] | None,
    exclude: list[str] | None,
    skip_empty: bool,
    allow_empty: bool,
) -> Selection:
    """Return one selection out of a flow's own parameters and its form: both apply.

    Ages count from now, before the source is listed: what changed during a long listing is
    young, however long it took.
    """
    base = (chosen or SelectionSettings()).values()
    return replace(
        base,
        also_include=tuple(include or ()),
        exclude=(*base.exclude, *(exclude or ())),
        skip_empty=skip_empty,
        allow_empty=allow_empty,
        as_of_us=time.time_ns() // 1000,
    )


def _bytes(given: Size) -> int | None:
    return parse_bytes(given) if isinstance(given, str) else given


def _seconds(given: Duration) -> float | None:
    return parse_duration(given) if isinstance(given, str) else given
