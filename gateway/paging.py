"""What every list takes: where its page begins, and how many rows it has."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from catalog.browsing import LARGEST_PAGE, PAGE, Asked


class Paging(BaseModel):
    """The query of a list; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE, description="Rows of one page.")
    cursor: str | None = Field(
        default=None, max_length=8192, description="The `next` of the page before."
    )

    def asked(self) -> Asked:
        """Return which page is meant."""
        return Asked(self.cursor, self.limit)
