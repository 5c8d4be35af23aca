"""The class of verbs: a Prefect flow, or a plain function with its ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.verb import Verb
else:
    from orchestration.without_prefect.verb import Verb

__all__ = ["Verb"]
