"""Explain: why a run copied, skipped, removed or refused a path."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.catalog import Catalog
from catalog.queries.explain import Explanation
from catalog.settings import Settings
from flows.runs.verb import verb
from orchestration.run import run_parameters


@dataclass(frozen=True, slots=True)
class Explained:
    """One sentence for each destination of the run."""

    sentences: tuple[Explanation, ...]

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(str(sentence) for sentence in self.sentences)

    def __repr__(self) -> str:
        """Return the sentences, so that an interactive prompt shows them."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the sentences for notebooks."""
        return "".join(f"<p>{html.escape(str(sentence))}</p>" for sentence in self.sentences)


def _name() -> str:
    given = run_parameters()
    return f"explain {given.get('path', '')}"[:200]


@verb("explain", _name)
def explain(run_id: str, path: str) -> Explained:
    """Explain what a run did with one path and why, in a sentence for each destination.

    Args:
        run_id: The run's id, from its result or `entrepot runs`.
        path: The file's path at the destination.

    Raises:
        NotRecorded: there is no such run.
    """
    return Explained(tuple(Catalog.open(Settings()).runs.explain(run_id, path)))
