"""The form of a repository's limits."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transfer.workers.limits import Limits
from transfer.workers.timetable import Timetable


class LimitSettings(BaseModel, title="Limits"):
    """Limits on the use of a repository."""

    model_config = ConfigDict(extra="forbid")

    connections: int = Field(
        default=64,
        ge=1,
        le=1024,
        title="Connections",
        description="Most concurrent requests of each process.",
    )
    requests_per_s: float | None = Field(
        default=None, gt=0, title="Requests a second", description="Most requests per second."
    )
    bytes_per_s: float | None = Field(
        default=None, gt=0, title="Bytes a second", description="Most bytes per second."
    )
    bytes_timetable: str = Field(
        default="",
        title="Timetable of bytes",
        description=(
            "Bytes a second by time of day, and optionally by weekday: 08:00,512k 23:00,off, or "
            "Mon-08:00,1M Sat-00:00,off. Each rate applies until the next; instead of Bytes a "
            "second."
        ),
        examples=["08:00,512k 18:30,10M 23:00,off", "Mon-08:00,1M Sat-00:00,off"],
    )
    requests_timetable: str = Field(
        default="",
        title="Timetable of requests",
        description="Requests a second by time, in the same format: 08:00,5 20:00,off.",
        examples=["08:00,5 20:00,off"],
    )
    timezone: str = Field(
        default="",
        title="Time zone",
        description="Time zone of the timetables, such as Europe/Berlin; empty for that of the "
        "machine that moves the files.",
    )
    batches: int | None = Field(
        default=8,
        ge=1,
        title="Batches",
        description=(
            "Most batches that use the repository at once, over all runs and machines, enforced by "
            "a Prefect global concurrency limit; not for a repository without a name."
        ),
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """Refuse an invalid timetable, and a rate together with a timetable."""
        self.in_process()
        for name, rate, timetable in (
            ("bytes", self.bytes_per_s, self.bytes_timetable),
            ("requests", self.requests_per_s, self.requests_timetable),
        ):
            if rate is not None and timetable:
                raise ValueError(f"{name}_per_s and {name}_timetable are both set: leave one empty")
        return self

    def in_process(self) -> Limits:
        """Return the limits that one process enforces."""
        rates = [
            Timetable.parse(timetable, sizes=sizes, zone=self.timezone) if timetable else rate
            for rate, timetable, sizes in (
                (self.requests_per_s, self.requests_timetable, False),
                (self.bytes_per_s, self.bytes_timetable, True),
            )
        ]
        return Limits(self.connections, *rates)
