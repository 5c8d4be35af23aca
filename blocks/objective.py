"""The form of an objective: files that a repository should have received in time."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from catalog.formats.quantities import parse_bytes, parse_duration
from catalog.glob import globs_to_regex
from catalog.rules.freshness import Objective, pattern_at


class ObjectiveSettings(BaseModel, title="Objective"):
    """Files that are expected to have arrived."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        default="**",
        title="Files",
        description=(
            "Glob of their paths; %Y %m %d %H are the current time in UTC: daily/%Y-%m-%d.csv."
        ),
    )
    within: str = Field(
        default="",
        title="Within",
        description="How recently they must have arrived, such as 26 h; empty for at any time.",
    )
    files: int = Field(default=1, ge=0, title="At least", description="Fewest files expected.")
    size: str = Field(
        default="0", title="Bytes", description="Smallest total size expected, such as 10 MiB."
    )

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        globs_to_regex((pattern_at(value, datetime.now(UTC)),))
        return value

    @field_validator("within")
    @classmethod
    def _check_within(cls, value: str) -> str:
        if value.strip():
            parse_duration(value)
        return value

    @field_validator("size")
    @classmethod
    def _check_size(cls, value: str) -> str:
        parse_bytes(value)
        return value

    def value(self) -> Objective:
        """Return the objective."""
        within_s = parse_duration(self.within) if self.within.strip() else None
        return Objective(self.pattern, within_s, self.files, parse_bytes(self.size))
