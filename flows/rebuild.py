"""Rebuild: let a lost catalog know again what repositories hold, from the files themselves.

from flows.rebuild import rebuild
rebuild(["archive", "s3://bucket/models"])
"""

from __future__ import annotations

from dataclasses import dataclass

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput
from flows.adopt import AdoptResult, adopt_repository
from flows.forms.run_names import run_name
from flows.runs.verb import verb


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What each repository holds, and why some could not be read; true when all were."""

    adopted: tuple[AdoptResult, ...]
    failed: tuple[str, ...] = ()  # label and reason

    def __bool__(self) -> bool:
        """Say whether every repository was read."""
        return not self.failed

    def summary(self) -> str:
        """Return one sentence."""
        failed = f", {len(self.failed)} could not be read" if self.failed else ""
        return f"{len(self.adopted)} repositories are known again{failed}"

    def __str__(self) -> str:
        """Return the sentence, and a line for each repository."""
        lines = [*map(str, self.adopted), *self.failed]
        return "\n".join([self.summary(), *(f"  {one}" for one in lines)])

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)


class RebuildFailed(CatalogError):
    """Some repositories could not be read; `result` names them and what became of the others."""

    def __init__(self, result: RebuildResult) -> None:
        """Name each."""
        super().__init__(str(result))
        self.result = result


@verb("rebuild", run_name)
def rebuild(repositories: list[Repository | str]) -> RebuildResult:
    """Read every file of each repository and record what it holds, as `adopt` does with one.

    It is for a catalog that was lost without a backup: what was there earlier, and where files came
    from, nobody can tell. One repository that cannot be read stops none of the others.

    Args:
        repositories: What to learn anew: repositories, their blocks' names, paths or URLs.

    Returns:
        What each holds; true when all were read.

    Raises:
        RebuildFailed: some could not be read; it names each.
        InvalidInput: no repository is named.
    """
    ends = [resolved(one) for one in repositories]
    if not ends:
        raise InvalidInput("name the repositories whose files are to be read")
    done: list[AdoptResult] = []
    failed: list[str] = []
    for end in ends:
        try:
            done.append(adopt_repository(end))
        except CatalogError as error:
            failed.append(f"{end.label}: {error}")
    result = RebuildResult(tuple(done), tuple(failed))
    get_run_logger().info("%s", result.summary())
    if not result:
        raise RebuildFailed(result)
    return result
