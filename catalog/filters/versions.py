"""Filters of a repository's versions: by number, time, label or content.

>>> VersionFilter(numbers=Span(first=3, below=7)).numbers
Span(first=3, last=None, above=None, below=7)
>>> VersionFilter.labelled(stage="prod", checked=None).labels
(('stage', 'prod'), ('checked', None))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from catalog.model.digest import Digest
from catalog.store.keys import path_key

T = TypeVar("T", int, datetime)


@dataclass(frozen=True)  # with slots too, `Span[int]()` fails
class Span(Generic[T]):
    """Values from `first` to `last`, both included; or `above` and `below`, both excluded."""

    first: T | None = None
    last: T | None = None
    above: T | None = None
    below: T | None = None

    @classmethod
    def only(cls, value: T) -> Self:
        """Return the span of one value."""
        return cls(first=value, last=value)


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Conditions that versions must satisfy, all of them; an empty filter matches every version.

    A time without a zone is UTC. The label value None matches any value of its key. With both a
    path and a digest, the path must have those bytes.
    """

    numbers: Span[int] = field(default_factory=Span[int])
    created: Span[datetime] = field(default_factory=Span[datetime])
    labels: tuple[tuple[str, str | None], ...] = ()
    path: str | None = None
    digest: str | None = None  # sha256 in hex, with or without its algorithm

    @classmethod
    def labelled(cls, **labels: str | None) -> Self:
        """Return a filter for versions that have all these labels."""
        return cls(labels=tuple(labels.items()))

    def parameters(self, tenant: str) -> dict[str, object]:
        """Return the parameters of the query; `InvalidInput` for a malformed digest."""
        digest = None
        if self.digest is not None:
            digest = Digest("sha256", self.digest.removeprefix("sha256:")).value
        labels = dict(self.labels)
        return {
            "first": self.numbers.first,
            "last": self.numbers.last,
            "above": self.numbers.above,
            "below": self.numbers.below,
            "since": _optional_naive_utc(self.created.first),
            "until": _optional_naive_utc(self.created.last),
            "after": _optional_naive_utc(self.created.above),
            "before": _optional_naive_utc(self.created.below),
            "keys": list(labels),
            "values": list(labels.values()),
            "nkey": None if self.path is None else path_key(tenant, self.path),
            "digest": digest,
        }


ALL_VERSIONS = VersionFilter()
"""Matches every version."""


def to_naive_utc(moment: datetime) -> datetime:
    """Return a time as the catalog stores it: UTC, without a zone."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _optional_naive_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else to_naive_utc(moment)
