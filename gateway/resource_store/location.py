"""Where a tenant's resources lie: a stored repository, or what a path or URL says alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from providers.base import OpenOptions, ProviderSettings
from transfer.workers.limits import Limits


class ResourceLocation(Protocol):
    """What a resource store needs to know of a repository."""

    @property
    def settings(self) -> ProviderSettings:
        """Return where it is."""
        ...

    @property
    def address(self) -> str:
        """Return its canonical URL without secrets."""
        ...

    def open_options(self) -> OpenOptions:
        """Return what every connection to it needs to know."""
        ...

    def process_limits(self) -> Limits:
        """Return the limits that this process enforces."""
        ...


@dataclass(frozen=True, slots=True)
class PlainLocation:
    """A place without limits of its own, for which Prefect need not be loaded."""

    settings: ProviderSettings

    @property
    def address(self) -> str:
        """Return its canonical URL without secrets."""
        return self.settings.address()

    def open_options(self) -> OpenOptions:
        """Return the defaults."""
        return OpenOptions()

    def process_limits(self) -> Limits:
        """Return the defaults."""
        return Limits()
