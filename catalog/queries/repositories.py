"""Which repositories the catalog knows."""

from __future__ import annotations

from catalog.catalog_file import CatalogFile
from catalog.store import statements


class Repositories:
    """The repositories of a catalog, by address."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def addresses(self) -> list[str]:
        """Return the address of every repository that the catalog knows."""
        query = "SELECT address FROM repositories WHERE tenant = $tenant ORDER BY address"
        with self._file.connect_flushed() as connection:
            return [
                str(one)
                for (one,) in statements.fetch_rows(connection, query, tenant=self._file.tenant)
            ]

    def addresses_below(self, start: str) -> list[str]:
        """Return the addresses that begin with `start`, except those only written by pulls."""
        with self._file.connect_flushed() as connection:
            query = statements.load_sql("versions/repositories_below")
            rows = statements.fetch_rows(connection, query, tenant=self._file.tenant, start=start)
        return [str(address) for (address,) in rows]

    def belongs_to_other_tenant(self, address: str) -> bool:
        """Say whether a repository has versions, but only under other tenants."""
        query = (
            "SELECT bool_or(r.tenant = $tenant), count(*) FROM repositories r"
            " WHERE r.address = $address AND EXISTS"
            " (SELECT 1 FROM repository_versions v WHERE v.repository = r.repository)"
        )
        with self._file.connect_flushed() as connection:
            own, count = statements.fetch_rows(
                connection, query, tenant=self._file.tenant, address=address
            )[0]
        return bool(count) and not own

    def written(self) -> dict[str, int]:
        """Return the addresses that were written to, with their number of files.

        That is the number in the latest version. Adopted files count as written.
        """
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection, statements.load_sql("versions/destinations"), tenant=self._file.tenant
            )
        return {str(address): int(total) for address, total in rows}

    def first_seen_us(self, address: str) -> int | None:
        """Return when this catalog first saw a repository; None if it never did.

        No two catalogs have the same moment, so it identifies the catalog.
        """
        query = "SELECT epoch_us(first_seen) FROM repositories WHERE repository = $repository::UUID"
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(connection, query, repository=self._file.key(address))
        return int(rows[0][0]) if rows else None
