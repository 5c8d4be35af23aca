"""The catalog: every repository's versions, and all plans, runs and locations of bytes.

>>> catalog = Catalog(Path("catalog.duckdb"))                   # doctest: +SKIP
>>> catalog.versions.latest("s3://bucket/models").total         # doctest: +SKIP
1289
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Self

from catalog.catalog_file import CatalogFile
from catalog.inbox.spool import Spool
from catalog.queries.exports import Exports
from catalog.queries.files import Files
from catalog.queries.holdings import Holdings
from catalog.queries.maintenance import Maintenance
from catalog.queries.origins import Origins
from catalog.queries.plans import Plans
from catalog.queries.repositories import Repositories
from catalog.queries.resources.uploads import Resources
from catalog.queries.retention import Retention
from catalog.queries.runs import Runs
from catalog.queries.tokens import Tokens
from catalog.queries.versions import Versions
from catalog.settings import Settings
from catalog.store.database import Reuse
from catalog.store.statements import Row

if TYPE_CHECKING:
    import polars as pl


class Catalog:
    """One catalog file and its data folder, `<file>.d`; safe to share between threads.

    Its attributes (`versions`, `plans`, `runs` …) hold the queries and commands, by subject.
    """

    def __init__(
        self,
        path: Path,
        *,
        tenant: str = "default",
        timeout_s: float = 120.0,
        threads: int = 1,
        memory: str = "200MB",
    ) -> None:
        """Use the catalog at `path`; it is created on first use."""
        self._build_parts(
            CatalogFile(path, tenant=tenant, timeout_s=timeout_s, threads=threads, memory=memory)
        )

    def _build_parts(self, file: CatalogFile) -> None:
        self.file = file
        self.versions = Versions(file)
        self.repositories = Repositories(file)
        self.retention = Retention(file)
        self.plans = Plans(file)
        self.runs = Runs(file)
        self.holdings = Holdings(file)
        self.origins = Origins(file)
        self.exports = Exports(file)
        self.files = Files(file)
        self.resources = Resources(file)
        self.tokens = Tokens(file)
        self.maintenance = Maintenance(file)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the catalog named in the settings."""
        chosen = Settings() if settings is None else settings
        return cls(
            chosen.catalog.expanduser(),
            tenant=chosen.tenant,
            timeout_s=chosen.catalog_timeout_s,
            threads=chosen.catalog_threads,
            memory=chosen.catalog_memory,
        )

    def for_tenant(self, tenant: str) -> Self:
        """Return the same catalog for another tenant; open connections are shared."""
        other = copy(self)
        other._build_parts(self.file.for_tenant(tenant))  # noqa: SLF001 - our own
        return other

    @property
    def path(self) -> Path:
        """Return the file."""
        return self.file.path

    @property
    def folder(self) -> Path:
        """Return the data folder beside the file."""
        return self.file.folder

    def keep_open(self) -> None:
        """Keep the catalog open between queries until another process waits for it."""
        self.file.keep_open()

    def pin(self) -> None:
        """Create the catalog if it is missing, and accept no other file from now on.

        Raises:
            CatalogUnavailable: it cannot be read. Later: it is missing, empty, or was replaced.
        """
        self.file.pin()

    def check_available(self) -> None:
        """Check that the pinned catalog is still there.

        Raises:
            CatalogUnavailable: its file or its data folder is missing.
        """
        self.file.check_available()

    def flush(self, timeout_s: float | None = None) -> None:
        """Apply all queued orders."""
        self.file.flush(timeout_s)

    def quiesced(self) -> AbstractContextManager[Path]:
        """Apply queued orders, then yield the file, unchanged by anybody while the block lasts."""
        return self.file.quiesced()

    def exclusive(self) -> AbstractContextManager[None]:
        """Lock the file while the block lasts; new orders are queued meanwhile."""
        return self.file.exclusive()

    def generation(self) -> tuple[int, ...]:
        """Return a value that changes whenever anything may have been recorded."""
        return self.file.generation()

    def spool(self) -> Spool:
        """Begin a listing; `versions.record_listing` or `plans.make` record it."""
        return Spool(self.file.folder / "spool")

    def sql(self, query: str, params: object = None) -> list[Row]:
        """Run your own query on the tables: read-only, without access to files."""
        return self._execute_read_only(query, params)[1]

    def frame(self, query: str, params: object = None) -> pl.DataFrame:
        """Run a query as `sql` does, and return a polars DataFrame."""
        import polars as pl  # noqa: PLC0415  # costs 0.1 s, and only notebooks need it

        names, rows = self._execute_read_only(query, params)
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)

    def _execute_read_only(self, query: str, params: object) -> tuple[list[str], list[Row]]:
        with self.file.connect_flushed(Reuse.NOTHING) as connection:
            connection.execute("SET enable_external_access = false")
            answer = connection.execute(query, params)
            return [column[0] for column in answer.description or ()], answer.fetchall()
