"""What a repository allows at once, as people set it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transfer.workers.limits import Limits
from transfer.workers.timetable import Timetable


class LimitSettings(BaseModel, title="Limits"):
    """What a repository allows at once."""

    model_config = ConfigDict(extra="forbid")

    connections: int = Field(
        default=64,
        ge=1,
        le=1024,
        title="Connections",
        description="Requests under way at once, in each process.",
    )
    requests_per_s: float | None = Field(
        default=None, gt=0, title="Requests a second", description="Requests begun each second."
    )
    bytes_per_s: float | None = Field(
        default=None, gt=0, title="Bytes a second", description="Bytes moved each second."
    )
    bytes_timetable: str = Field(
        default="",
        title="Timetable of bytes",
        description=(
            "Bytes a second by time of day, and by weekday where one is named: 08:00,512k "
            "23:00,off, or Mon-08:00,1M Sat-00:00,off. Each holds until the next; in place of "
            "Bytes a second."
        ),
        examples=["08:00,512k 18:30,10M 23:00,off", "Mon-08:00,1M Sat-00:00,off"],
    )
    requests_timetable: str = Field(
        default="",
        title="Timetable of requests",
        description="Requests a second in the same way: 08:00,5 20:00,off.",
        examples=["08:00,5 20:00,off"],
    )
    timezone: str = Field(
        default="",
        title="Time zone",
        description="Whose clock the timetables mean, such as Europe/Berlin; empty for the "
        "clock of the machine that moves the files.",
    )
    batches: int | None = Field(
        default=8,
        ge=1,
        title="Batches",
        description=(
            "Batches that may use the repository at once over all runs and machines, "
            "by a Prefect global concurrency limit; none for a repository without a name."
        ),
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """Refuse a timetable that cannot be read, and a rate beside one."""
        self.in_process()
        for name, rate, timetable in (
            ("bytes", self.bytes_per_s, self.bytes_timetable),
            ("requests", self.requests_per_s, self.requests_timetable),
        ):
            if rate is not None and timetable:
                raise ValueError(f"{name}_per_s and {name}_timetable are both given: leave one out")
        return self

    def in_process(self) -> Limits:
        """Return what one process keeps of it."""
        rates = [
            Timetable.parse(timetable, sizes=sizes, zone=self.timezone) if timetable else rate
            for rate, timetable, sizes in (
                (self.requests_per_s, self.requests_timetable, False),
                (self.bytes_per_s, self.bytes_timetable, True),
            )
        ]
        return Limits(self.connections, *rates)
