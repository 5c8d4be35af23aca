"""The location of a tenant's resources: a stored repository, or just a path or URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from providers.base import OpenOptions, ProviderSettings
from transfer.workers.limits import Limits


class ResourceLocation(Protocol):
    """The properties of a repository that a resource store needs."""

    @property
    def settings(self) -> ProviderSettings:
        """Return the provider's settings."""
        ...

    @property
    def address(self) -> str:
        """Return the canonical URL without secrets."""
        ...

    def open_options(self) -> OpenOptions:
        """Return the options for every connection."""
        ...

    def process_limits(self) -> Limits:
        """Return the limits that this process enforces."""
        ...


@dataclass(frozen=True, slots=True)
class PlainLocation:
    """A location with default limits, which does not need Prefect."""

    settings: ProviderSettings

    @property
    def address(self) -> str:
        """Return the canonical URL without secrets."""
        return self.settings.address()

    def open_options(self) -> OpenOptions:
        """Return the defaults."""
        return OpenOptions()

    def process_limits(self) -> Limits:
        """Return the defaults."""
        return Limits()
