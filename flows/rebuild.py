"""Rebuild: rebuild a lost catalog by reading the files of repositories.

from flows.rebuild import rebuild
rebuild(["archive", "s3://bucket/models"])
"""

from __future__ import annotations

from dataclasses import dataclass

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput
from flows.adopt import AdoptResult, adopt_repository
from flows.forms.run_names import run_name
from flows.runs.verb import verb
from orchestration.run import run_logger


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """The adopted repositories, and why others could not be read; true if all were read."""

    adopted: tuple[AdoptResult, ...]
    failed: tuple[str, ...] = ()  # label and reason

    def __bool__(self) -> bool:
        """Return whether every repository was read."""
        return not self.failed

    def summary(self) -> str:
        """Return one sentence."""
        failed = f", {len(self.failed):,} could not be read" if self.failed else ""
        return f"{len(self.adopted):,} repositories recorded{failed}"

    def __str__(self) -> str:
        """Return the sentence, and a line for each repository."""
        lines = [*map(str, self.adopted), *self.failed]
        return "\n".join([self.summary(), *(f"  {line}" for line in lines)])

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)


class RebuildFailed(CatalogError):
    """Some repositories could not be read; `result` has the details."""

    def __init__(self, result: RebuildResult) -> None:
        """List them."""
        super().__init__(str(result))
        self.result = result


@verb("rebuild", run_name)
def rebuild(repositories: list[Repository | str]) -> RebuildResult:
    """Read every file of the given repositories and record their content, as `adopt` does.

    Use it if a catalog is lost without a backup; earlier versions and the origins of files are not
    recovered. If one repository cannot be read, the others still are.

    Args:
        repositories: Repositories, names of their blocks, paths or URLs.

    Returns:
        The content of each; true if all were read.

    Raises:
        RebuildFailed: some could not be read; the error names them.
        InvalidInput: no repository is given.
    """
    ends = [resolved(reference) for reference in repositories]
    if not ends:
        raise InvalidInput("expected at least one repository, found none")
    done: list[AdoptResult] = []
    failed: list[str] = []
    for end in ends:
        try:
            done.append(adopt_repository(end))
        except CatalogError as error:
            failed.append(f"{end.label}: {error}")
    result = RebuildResult(tuple(done), tuple(failed))
    run_logger().info("%s", result.summary())
    if not result:
        raise RebuildFailed(result)
    return result
