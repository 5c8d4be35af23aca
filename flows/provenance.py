"""Provenance: write where a version came from as an in-toto statement, to be signed.

from flows.provenance import provenance
provenance("s3-archive", "/srv/statements/s3-archive-7.json", version=7)
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.provenance import statement
from flows.forms.run_names import run_name
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.verb import verb
from orchestration.run import run_logger


@dataclass(frozen=True, slots=True)
class ProvenanceResult:
    """A written statement: its version, its path, and its digest."""

    run_id: str
    repository: str  # label
    version: int
    file: str  # path
    sha256: str  # of the file, hex

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{self.repository} version {self.version}: in-toto statement in {self.file}, "
            f"sha256:{self.sha256}"
        )

    def __repr__(self) -> str:
        """Return the line, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@verb("provenance", run_name)
def provenance(
    repository: Repository | str, file: str, *, version: int | None = None
) -> ProvenanceResult:
    """Write where a version came from as an in-toto Statement v1 with SLSA provenance.

    The same version always gives the same bytes, so that the statement can be signed by other
    tools. An existing file is replaced.

    Args:
        repository: The repository of the version: a repository, its block's name, a path or a URL.
        file: Path of the JSON file to write.
        version: The version's number; by default the latest.

    Returns:
        Where the statement is, and its digest.

    Raises:
        NotRecorded: there is no such version.
        InvalidInput: no file of the version has a known digest, or the path is not allowed.
    """
    origin = resolved(repository)
    target = Path(file).expanduser().absolute()
    end = local_folder(target.parent)
    if target.is_dir():
        raise InvalidInput(f"expected the path of a file, found the folder {file!r}")
    with ActiveRun("provenance", origin, (end,), writes=()) as run:
        number = run.catalog.versions.latest(origin.address).number if version is None else version
        digest = hashlib.sha256()
        parts = statement(run.catalog, origin.address, number)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".entrepot-{uuid4().hex}.partial")
        try:
            with draft.open("xb") as out:
                for part in parts:
                    data = part.encode()
                    digest.update(data)
                    out.write(data)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        result = ProvenanceResult(
            run.job.run_id, origin.label, number, str(target), digest.hexdigest()
        )
        run.end("completed", str(result))
    run_logger().info("%s", result)
    return result
