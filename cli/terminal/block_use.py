"""Which stored blocks a verb reads, and so whether it needs Prefect."""

from __future__ import annotations

from enum import Enum


class BlockUse(Enum):
    """Which stored blocks a verb reads."""

    NAMED = "named"
    """Those that its arguments name."""
    SEARCHED = "searched"
    """Any repository, since it may have bytes that are needed."""
    LISTED = "listed"
    """All repositories: they are what the verb is about."""
