"""The artifacts of an archive, unpacked into a folder of ours for the time of its import."""

from __future__ import annotations

from pydantic import Field

from providers.local.settings import LocalSettings


class UnpackedSettings(LocalSettings):
    """A folder that is gone after the import: the catalog knows it by the address of its origin."""

    origin: str = Field(title="Origin", description="Address of the repository at its own site.")

    def address(self) -> str:
        """Return `archive+` and the origin's address, so that no place here is meant."""
        return f"archive+{self.origin}"
