"""A plug-in whose connections can be looked at: when they were made, where, and if closed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import Field

from catalog.errors import InvalidInput
from providers.base import OpenOptions, ProviderSettings
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.fsspec.memory import MemorySettings
from providers.fsspec.storage import FsspecStorage, MissingRoot


@dataclass(eq=False)
class Line:
    """A connection that knows who made it and whether it is closed."""

    pid: int = field(default_factory=os.getpid)
    closed: int = 0

    def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass
class Exchange:
    """What happened among some settings."""

    lines: list[Line] = field(default_factory=list[Line])
    waiting: Callable[[], object] = keep_open


class LineSettings(ProviderSettings):
    """A plug-in whose connections can be looked at; its files lie in memory."""

    type: Literal["line"] = Field(default="line")
    path: str = "a"
    account: str = "a"
    exchange: Any = None

    def address(self) -> str:
        """Return where it is."""
        return f"line://{self.account}/{self.path}"

    def connection_key(self) -> tuple[object, ...]:
        """Return the account."""
        return (self.account,)

    def connect(self, options: OpenOptions) -> Line:  # noqa: ARG002 - not of use here
        """Make a line; nobody knows the account `nobody`."""
        cast("Exchange", self.exchange).waiting()
        if self.account == "nobody":
            raise InvalidInput("no such account")
        line = Line()
        self.exchange.lines.append(line)
        return line

    def storage(
        self,
        connection: Line,  # noqa: ARG002 - not of use here
        options: OpenOptions,  # noqa: ARG002 - the same
        *,
        on_close: OnClose = keep_open,
    ) -> FsspecStorage:
        """Return a folder in memory."""
        found = MemorySettings(path=self.path).filesystem()
        return FsspecStorage(
            found,
            self.path,
            where="line",
            capabilities=Capabilities(),
            missing_root=MissingRoot.EMPTY,
            on_close=on_close,
        )
