"""What a repository should have received by now, as a person fills it in."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from catalog.formats.quantities import parse_bytes, parse_duration
from catalog.glob import globs_to_regex
from catalog.rules.freshness import Objective, pattern_at


class ObjectiveSettings(BaseModel, title="Objective"):
    """Files that should have come by the time one looks."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        default="**",
        title="Files",
        description=(
            "Glob of their paths; %Y %m %d %H stand for now, in UTC, as in daily/%Y-%m-%d.csv."
        ),
    )
    within: str = Field(
        default="",
        title="Within",
        description="How lately they must have come, such as 26 h; empty: they must be there.",
    )
    files: int = Field(default=1, ge=0, title="At least", description="How many of them.")
    size: str = Field(
        default="0", title="Bytes", description="How large together, at least, such as 10 MiB."
    )

    @field_validator("pattern")
    @classmethod
    def _a_glob(cls, value: str) -> str:
        globs_to_regex((pattern_at(value, datetime.now(UTC)),))
        return value

    @field_validator("within")
    @classmethod
    def _a_duration(cls, value: str) -> str:
        if value.strip():
            parse_duration(value)
        return value

    @field_validator("size")
    @classmethod
    def _a_size(cls, value: str) -> str:
        parse_bytes(value)
        return value

    def value(self) -> Objective:
        """Return the objective."""
        within_s = parse_duration(self.within) if self.within.strip() else None
        return Objective(self.pattern, within_s, self.files, parse_bytes(self.size))
